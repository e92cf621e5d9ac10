"""How the second reader of `voice.listening.phones` was trained: `make reader`.

1. `speak`: synthetic callers say short answers, sentences of the training data and random words.
2. `listen`: each clip goes through the telephone, and Whisper's encoder looks at it.
3. `train`: a small network learns to spell what the encoder saw; writes voice/listening/phones.npz.

The voices that tests and figures measure with (tests/bench/callers.py, and two of the product's
four) say nothing here. About two hours on two cores; nothing of it is needed to use the product.
"""
