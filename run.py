"""The pack's front door.

    python run.py demo              render an example workflow in a real ComfyUI
    python run.py serve             ComfyUI with the pack, on one machine or as one of several
    python run.py test              every check and test
    python run.py test --quick      those that need no server and no training
    python run.py install           make the environment, nothing more
    python run.py convert OLD NEW   AnimateDiff-Evolved's nodes in a workflow become this pack's

Needs nothing but Python itself: it makes `.venv` and puts a ComfyUI into `.comfy`.

Every Python since 2.7 can read this file, so that an old one says what it lacks; what is newer
stands in `launcher/command_line.py`.
"""

import os
import sys

OLDEST = (3, 10)


def main():
    if sys.version_info[:2] < OLDEST:
        told = (sys.version_info[0], sys.version_info[1]) + OLDEST
        sys.stderr.write(
            "Error: this is Python %d.%d; run.py needs %d.%d or newer. Start it with one of these, "
            "for example: python3.12 run.py demo\n" % told
        )
        return 1
    # an isolated Python, as ComfyUI's portable build has one, leaves out the script's own folder
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    try:
        from launcher import command_line

        return command_line.main(sys.argv[1:])
    except KeyboardInterrupt:  # Ctrl-C while the imports above still run, too
        sys.stdout.write("\nstopped\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
