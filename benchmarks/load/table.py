"""The figures as lines of Markdown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.load.tenant import LANES

TITLE = "The service under load"
_WORKERS = 10
type Found = Mapping[str, Any]


def table(found: Found) -> list[str]:
    """All that was measured, in words and tables."""
    lines = [
        "Made by `make load`: clients on loopback, through the gateway, the Lambda emulator and every real",
        f"part, with {_WORKERS} workers, five for each lane. Clients, parts and workers share the machine.",
        "",
        f"{found['date']}, {found['machine']}, {found['cores']} cores, seed {found['seed']}; load average"
        f" {found['load_average']} before it began; {len(found['errors'])} errors.",
    ]
    for scene in _PARTS:
        if scene in found:
            lines += ["", *scene_lines(scene, found)]
    return lines


def scene_lines(scene: str, found: Found) -> list[str]:
    """What was measured in one scene."""
    return list(_PARTS[scene](found[scene]))


def _sustained(rows: Sequence[Found]) -> Iterator[str]:
    yield "Small reports, each followed to its end before the next is asked for (p50 / p99):"
    yield ""
    yield f"| clients | accepted a second | POST ms | GET ms | {_queues()} |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        yield (
            f"| {row['clients']} | {row['accepted_per_second']:.1f} | {_pair(row['post_ms'])} |"
            f" {_pair(row['get_ms'])} | {_in_queues(row)} |"
        )


def _burst(rows: Sequence[Found]) -> Iterator[str]:
    yield f"{rows[0]['accepted']:,} requests as fast as they are answered:"
    yield ""
    yield f"| clients | accepted a second | POST ms | all done after s | {_queues()} |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        yield (
            f"| {row['clients']} | {row['accepted_per_second']:.1f} | {_pair(row['post_ms'])} |"
            f" {row['done_seconds']:.1f} | {_in_queues(row)} |"
        )


def _backlog(row: Found) -> Iterator[str]:
    yield (
        f"{row['waiting']:,} reports waiting while no worker runs: accepted at"
        f" {row['accepted_per_second']:.1f} a second, POST {_pair(row['post_ms'])} ms; then made at"
        f" {row['drained_per_second']:.1f} a second, all done after {row['drained_seconds']:.0f} s."
    )


def _rendering(row: Found) -> Iterator[str]:
    idle, busy = row["idle"], row["busy"]
    times = " and ".join(
        f"{busy[name]['p50'] / idle[name]['p50']:.1f} times for {call}"
        for name, call in (("post_ms", "POST"), ("get_ms", "GET"))
    )
    yield (
        f"While {row['rendering']:.1f} workers render large PDF and XLSX files: POST"
        f" {_pair(busy['post_ms'])} ms, GET {_pair(busy['get_ms'])} ms; idle: POST {_pair(idle['post_ms'])}"
        f" ms, GET {_pair(idle['get_ms'])} ms. The median is {times}."
    )


def _memory(row: Found) -> Iterator[str]:
    bound = row["bound_mb_a_minute"]
    limit = f"; the bound is {bound}" if bound else ""
    yield (
        f"Memory over {row['minutes']:g} minutes and {row['reports']:,} reports, least squares over the last"
        f" two thirds{limit}:"
    )
    yield ""
    yield "| part or function | processes | most MB of one | steepest MB a minute |"
    yield "|---|---|---|---|"
    for name, part in sorted(row["parts"].items()):
        steep = "" if part["mb_a_minute"] is None else f"{part['mb_a_minute']:.3f}"
        yield f"| {name} | {part['processes']} | {part['mb']:.0f} | {steep} |"


def _fairness(floods: Sequence[Found]) -> Iterator[str]:
    bound = floods[0]["bound_seconds"]
    limit = f" (bound {bound:g} s)" if bound is not None else ""
    yield (
        f"A tenant's flood of {floods[0]['flood']:,} requests, and meanwhile one request at a time of another"
        f" tenant, `normal`, in the same lane{limit}:"
    )
    yield ""
    yield "| flood | made in s | its wait s, p50 / max | requests of the other | their wait s, p50 / max |"
    yield "|---|---|---|---|---|"
    for row in floods:
        own, other = row["flood_wait_seconds"], row["wait_seconds"]
        yield (
            f"| `{row['priority']}` | {row['flood_done_seconds']:.0f} | {own['p50']:.1f} / {own['max']:.1f} |"
            f" {row['asked']} | {other['p50']:.2f} / {other['max']:.2f} |"
        )


def _pair(times: Mapping[str, float] | None) -> str:
    return "none" if times is None else f"{times['p50']:.1f} / {times['p99']:.1f}"


def _queues() -> str:
    return " | ".join(f"s in queue, {lane}" for lane in LANES.values())


def _in_queues(row: Found) -> str:
    seconds = row["queue_seconds"]
    times = [seconds.get(lane) for lane in LANES.values()]
    return " | ".join("none" if each is None else f"{each['p50']:.2f} / {each['p99']:.2f}" for each in times)


_PARTS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "sustained": _sustained,
    "burst": _burst,
    "backlog": _backlog,
    "rendering": _rendering,
    "memory": _memory,
    "fairness": _fairness,
}
