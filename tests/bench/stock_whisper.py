"""Stock faster-whisper on some clips, for bench_voice; runs in its own environment:
`python stock_whisper.py MODEL_FOLDER WAV…` prints one JSON object."""

import json
import sys
import time
from typing import Any


def main(folder: str, names: list[str]) -> dict[str, Any]:
    from faster_whisper import WhisperModel

    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1)
    texts, seconds = [], 0.0
    for name in names:
        began = time.perf_counter()
        segments, _ = model.transcribe(name, language="zh")
        texts.append("".join(segment.text for segment in segments))
        seconds += time.perf_counter() - began
    return {"seconds": seconds, "texts": texts}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2:])))
