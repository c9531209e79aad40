"""Takes the driver's commands: a line of JSON names a task, a line of JSON says what it took."""

import json
import sys
import time


def serve(tasks):
    """Runs tasks until the driver goes away; times are milliseconds of this process."""
    for line in sys.stdin:
        order = json.loads(line)
        task = tasks[order.pop("task")]
        wall, cpu = time.perf_counter(), time.process_time()
        value = task(**order)
        took = {
            "wall": (time.perf_counter() - wall) * 1e3,
            "cpu": (time.process_time() - cpu) * 1e3,
            "value": value,
        }
        print(json.dumps(took), flush=True)
