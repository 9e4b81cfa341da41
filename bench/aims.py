"""What the issue asks of corso, and how it is judged: against the aim, and against the best peer of the same run."""
from adapters import FLOORS, OURS
from markdown import number

# Set, step: CPU seconds and wall seconds, on two cores.
SECONDS = {
    ("office", "backup-1"): (5, 5),
    ("office", "backup-same"): (0.11, 0.15),
    ("office", "restore"): (3.5, 4),
    ("office", "check"): (2.1, 2),
    ("many-small", "backup-1"): (8, 6),
    ("many-small", "backup-same"): (0.6, 0.4),
    ("many-small", "restore"): (10, 10),
    ("one-big", "backup-1"): (9, 8),
    ("one-big", "backup-mutated"): (6, 5),
    ("one-big", "restore"): (3.8, 3),
    ("real", "backup-1"): (6.5, 6),
    ("real", "backup-same"): (0.6, 0.6),
}
# Peak of every backup and of the restore, on all sets.
MEMORY_MB = 200
MEMORY_STEPS = ("backup-1", "backup-same", "backup-mutated", "restore")


def seconds(results):
    """Rows: set, step, aim, what corso took, the best peers' CPU and wall seconds with names and ratios, and whether
    the aim is met."""
    for (dataset, step), (cpu_aim, wall_aim) in SECONDS.items():
        cpu, wall = (results.median(dataset, OURS, step, what) for what in ("cpu", "wall"))
        if cpu is None:
            continue
        best = [best_peer(results, dataset, step, what) for what in ("cpu", "wall")]
        yield [
            dataset, step, f"{cpu_aim} / {wall_aim}", f"{number(cpu)} / {number(wall)}",
            beside(best[0], cpu), beside(best[1], wall),
            "yes" if cpu <= cpu_aim and wall <= wall_aim else "no",
        ]


def sizes(results):
    """Rows: set, what, corso's, the smallest peer's, and whether ours is no larger. Memory is judged by its aim."""
    for dataset in results.sets():
        if not results.of(dataset, OURS):
            continue
        peaks = [results.median(dataset, OURS, step, "memory") for step in MEMORY_STEPS]
        if None in peaks:
            continue
        yield [dataset, "peak memory of backup and restore, MB", f"{max(peaks):.0f}", f"{MEMORY_MB} (aim)",
               "yes" if max(peaks) <= MEMORY_MB else "no"]
        for what, told in (("size", "repository after the first backup, MB"), ("growth", "added for the change, MB")):
            ours = results.stored(dataset, OURS, what)
            peers = {t: results.stored(dataset, t, what) for t in peers_of(results, dataset)}
            if not peers:
                continue
            name = min(peers, key=peers.get)
            yield [dataset, told, number(ours), f"{number(peers[name])} ({name})", "yes" if ours <= peers[name] else "no"]


def peers_of(results, dataset):
    return [t for t in results.tools(dataset) if t != OURS and t not in FLOORS]


def best_peer(results, dataset, step, what):
    took = {t: results.median(dataset, t, step, what) for t in peers_of(results, dataset)}
    took = {t: v for t, v in took.items() if v is not None}
    return min(((v, t) for t, v in took.items()), default=None)


def beside(best, ours):
    return "–" if best is None else f"{number(best[0])} {best[1]}, {best[0] / max(ours, 1e-3):.1f}×"
