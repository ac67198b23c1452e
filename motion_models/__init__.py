"""Files -> families -> temporal transformers -> into the UNet for one model call, and out again.

Knows torch and comfy; knows nothing of nodes, sampling schedules or training.

    files to models      folders read kinds detect layouts specs load lora domain_adapter
                         adapter_over_time
    arithmetic           modules model strength low_rank position_tables fast/ (the same, in less
                         time and memory)
    a run and a call     call
    into the UNet        sites placements layers norms fit inject
    views                views/ (windows inside the motion layers)
    ComfyUI's versions   compat

Words used here: a *run* is one sampling run, a *call* one call of the UNet in it; a *window* shows
some frames of the video to the whole UNet, a *view* some to the motion layers alone; a *part* is a
share of a call of views that is computed at once; a *site* is a place for a motion module, a
*placement* a layer in its place for one call.

Shape letters: b videos in the UNet batch (cond and uncond count as two), f frames of each, c
channels, h w height and width of the feature map, n = h*w its pixels, l rows of the position table
or frames of a part.
"""
