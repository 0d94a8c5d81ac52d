"""`python -m keras_sandwich`: the command line, behind the package's import, with which Python begins here.

`keras-sandwich --help` does without it.
"""

import sys

from keras_sandwich_command import main

if __name__ == "__main__":
    sys.exit(main())
