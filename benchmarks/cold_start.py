"""CPU time that the import of each function's handler takes, in a fresh process."""

import statistics

from benchmarks.process import output_of

_ROUNDS = 7
_FUNCTIONS = ("api", "worker", "relay")
_SCRIPT = (
    "import resource\n"
    "def cpu():\n"
    "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
    "    return used.ru_utime + used.ru_stime\n"
    "before = cpu()\n"
    "import {function}.handler\n"
    "print((cpu() - before) * 1000)\n"
)


def measure() -> dict[str, float]:
    """Milliseconds by function, medians of seven interleaved rounds."""
    found: dict[str, list[float]] = {function: [] for function in _FUNCTIONS}
    for _ in range(_ROUNDS):
        for function in _FUNCTIONS:
            found[function].append(float(output_of("-c", _SCRIPT.format(function=function))))
    return {function: round(statistics.median(times)) for function, times in found.items()}
