"""The paper's claims as measurements on the small world; paper_claims.py runs them.

measures/        what is measured of clips: pure functions, tested on drawn clips
scenes.py        which scenes and seeds
controls.py      clips spoiled on purpose, which a measure must tell apart
studio.py        renders clips through ComfyUI's sampler, each once
estimates.py     intervals of confidence
lines.py         what a figure has to reach, in words and as a test
findings.py      what a claim comes to: figures, pictures and tables, as JSON
quality.py, stage_losses.py  figures that several claims have in common
claim_*.py       one claim each: `parts` yields what it comes to
claims.toml      what the page says of each claim beside its figures
page.py, page.md.jinja       docs/proof.md out of the findings
charts.py, animations.py     its pictures
"""
