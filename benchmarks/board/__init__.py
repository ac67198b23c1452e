"""What the scoreboard (benchmarks/scoreboard.py) is made of.

pairs.py      one work against others, in turn, with outputs compared first
temporal.py   a motion module against diffusers' and against the reference; operations
steps.py      a step of the whole UNet against the bare UNet, and another pack's
rows.py       the rows, their goals, and what each needs
"""
