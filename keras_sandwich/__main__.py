"""`python -m keras_sandwich`: the command line."""

import sys

from keras_sandwich_command import main

if __name__ == "__main__":
    sys.exit(main())
