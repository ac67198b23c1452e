"""One video over several machines: every rank samples the same prompt, and computes a part of the
windows of each step.

All ranks run the same sampler on the same noise. In a step, rank r of R computes the windows r,
r + R, r + 2R ...; one all-gather (Gloo, of torch.distributed) hands them to all, so that every rank
goes on with the whole prediction, which is that of one rank bit for bit. Rank 0 has the page,
decodes and saves; the others are given its prompts, and end after the last sampler.

Nothing of this room is imported where no ranks are asked for.
"""
