"""Sound and lines. Knows nothing of insurance; imports nothing of `bot`."""

import os

# Set before numpy is loaded: its second thread would spin beside the recogniser's, for a sixth of
# all that a call costs, to halve the millisecond of a spectrogram.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
