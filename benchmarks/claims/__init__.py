"""The paper's claims as measurements on the small world; paper_claims.py runs them.

measures/        what is measured of clips: pure functions, tested on drawn clips
scenes.py        which scenes and seeds
controls.py      clips spoiled on purpose, which a measure must tell apart
studio.py        renders clips through ComfyUI's sampler, each once
estimates.py     intervals of confidence
findings.py      what a claim comes to: figures with lines and verdicts, as JSON
claim_*.py       one claim each
page.py          docs/proof.md out of the findings
charts.py, animations.py     its pictures
"""
