"""A runner that does relu, and misbehaves on the case that its arguments name: `naughty.py HOW CASE`."""

import json
import os
import sys
import time

HOW, CASE = sys.argv[1:]

for line in sys.stdin:
    if HOW == "does-not-read" and f'"{CASE}"' in line:
        time.sleep(60)
    request = json.loads(line)
    if request["command"] == "describe":
        print(json.dumps({"name": "naughty", "groups": ["relu"]}), flush=True)
        continue
    task = request["task"]
    (step,) = task["steps"]
    x = step["x"]
    y = {**x, "data": [max(v, 0.0) for v in x["data"]]}
    out = {"y": y}
    if "d_y" in step:
        slopes = [d if v > 0 else 0.0 for v, d in zip(x["data"], step["d_y"]["data"], strict=True)]
        out["d_x"] = {**x, "data": slopes}
    if task["id"] == CASE:
        if HOW == "crash":
            print("out of memory", file=sys.stderr, flush=True)
            os._exit(7)
        if HOW == "hang":
            time.sleep(60)
        if HOW == "rubbish":
            print("Segmentation fault? No: a progress bar", flush=True)
            continue
        if HOW == "not-an-array":
            out["y"] = [1, 2]
        if HOW == "shape":
            y["shape"] = y["shape"][::-1]
        if HOW == "dtype":
            y["dtype"] = "float32" if y["dtype"] == "float64" else "float64"
        if HOW == "nan":
            y["data"][1] = "nan"
        if HOW == "missing":
            del out["y"]
        if HOW == "long-line":
            print("x" * 200_000, flush=True)
            continue
        if HOW == "endless":
            while True:
                print("so much to say " * 10, file=sys.stderr)
        if HOW == "deep":
            print("[" * 60_000, flush=True)
            continue
        if HOW == "negative-shape":
            y["shape"] = [-1]
        if HOW == "data-is-text":
            y["data"] = "123"
        if HOW == "too-many-steps":
            print(json.dumps({"steps": [out, out]}), flush=True)
            continue
        if HOW == "chatty":
            print(json.dumps({"steps": [out]}) + "\ndone, and proud of it", flush=True)
            time.sleep(0.5)
            continue
        if HOW == "leaves-after-reply":
            print(json.dumps({"steps": [out]}), flush=True)
            sys.exit(0)
        if HOW == "error":
            print(json.dumps({"error": "no kernel for this"}), flush=True)
            continue
    print(json.dumps({"steps": [out]}), flush=True)
