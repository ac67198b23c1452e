"""The paper's claims as measurements on the small world; paper_claims.py runs them.

claim_*.py                  one claim each: `parts` yields what it comes to
quality.py, losses.py       figures that several claims have in common
tracks.py, judges.py        what is seen in clips, by colour and by trained networks
scenes.py, studio.py        which clips: drawn, spoiled on purpose, and rendered, each once
lasting.py                  runs of days, which go on where they were stopped
moving_*.py, flicker.py     such runs: windows that move, beside claim 6; flicker, beside claim 1
estimates.py, findings.py   intervals of confidence; figures, the lines they have to reach, as JSON
page.py, page.md.jinja, claims.toml, pictures.py    docs/proof.md and its pictures
"""
