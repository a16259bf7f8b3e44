"""What runs in a home, as its files and the kernel say."""

import json
from typing import Any

from local import processes
from local.home import Home, read_json


def status_rows(home: Home) -> list[dict[str, Any]]:
    """One row a process: part, pid, state, restarts, memory in MB, address."""
    state = read_json(home.state) or {}
    rows = []
    for name, process in sorted(processes.recorded(home.pids).items()):
        known = state.get(name)
        part = known if isinstance(known, dict) else {}
        own = processes.memory_bytes(process.pid)
        rows.append(
            {
                "part": name,
                "pid": process.pid,
                "state": part.get("state", "running"),
                "restarts": part.get("restarts", 0),
                "memory_mb": round(own / 1e6, 1),
                "address": part.get("address", ""),
                "what": part.get("what", "Lambda environment"),
            }
        )
    # Lambda environments are children of the cloud process: they are told by themselves.
    inside = sum(row["memory_mb"] for row in rows if row["what"] == "Lambda environment")
    for row in rows:
        if row["part"] == "cloud":
            row["memory_mb"] = round(max(0.0, row["memory_mb"] - inside), 1)
    return rows


def table(rows: list[dict[str, Any]], *, as_json: bool) -> str:
    """The rows as text for people, or as JSON."""
    if as_json:
        return json.dumps(rows, indent=2)
    if not rows:
        return "Nothing is running."
    lines = [f"{'part':<20} {'pid':>8} {'state':<11} {'restarts':>8} {'memory':>9}  address"]
    lines += [
        f"{row['part']:<20} {row['pid']:>8} {row['state']:<11} {row['restarts']:>8}"
        f" {row['memory_mb']:>6.0f} MB  {row['address']}"
        for row in rows
    ]
    return "\n".join(lines)
