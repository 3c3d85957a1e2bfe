#!/usr/bin/python3
"""JSON lines of our bench and its peer on stdin to a table of ratios, each side at its best."""
import json
import sys

ours, peer = {}, {}
for line in sys.stdin:
    r = json.loads(line)
    side = (peer if "peer" in r else ours).setdefault(r["workload"], {})
    before = side.get(r["threads"])
    if not before or before["examples_per_s"] < r["examples_per_s"]:
        side[r["threads"]] = r

print("| workload | ours, 1 thread | share of peak | ours, best | PyTorch, best | ratio | two threads |")
print("|---|--:|--:|--:|--:|--:|--:|")
for name, runs in ours.items():
    best = max(runs.values(), key=lambda r: r["examples_per_s"])
    one = runs.get(1, best)
    row = [name, f"{one['examples_per_s']:,.0f}/s", f"{one['share']:.2f}",
           f"{best['examples_per_s']:,.0f}/s"]
    if name in peer:
        other = max(peer[name].values(), key=lambda r: r["examples_per_s"])
        row += [f"{other['examples_per_s']:,.0f}/s",
                f"{best['examples_per_s'] / other['examples_per_s']:.2f}"]
    else:
        row += ["", ""]
    two = runs.get(2)
    row.append(f"{two['examples_per_s'] / one['examples_per_s']:.2f}" if two and one is not two
               else "")
    print("| " + " | ".join(row) + " |")
