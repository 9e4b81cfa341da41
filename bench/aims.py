"""What is asked of corso, and how it is judged: against the aim in seconds, and against the best peer of the same run."""
from adapters import FLOORS, OURS, PLAIN
from markdown import number

# Set, step: CPU and wall seconds on the two cores that the aims were set on, and what the best peer took there. The
# ratio of the two is asked for on any machine.
SECONDS = {
    ("office", "backup-1"): ((5, 5), (10.0, 10.5)),
    ("office", "backup-same"): ((0.11, 0.15), (0.22, 0.32)),
    ("office", "restore"): ((3.5, 4), (7.1, 8.0)),
    ("office", "check"): ((2.1, 2), (4.3, 4.1)),
    ("many-small", "backup-1"): ((8, 6), (16.2, 12.0)),
    ("many-small", "backup-same"): ((0.6, 0.4), (1.2, 0.8)),
    ("many-small", "restore"): ((10, 10), (16.7, 16.0)),
    ("one-big", "backup-1"): ((9, 8), (12.6, 16.2)),
    ("one-big", "backup-mutated"): ((6, 5), (9.4, 9.6)),
    ("one-big", "restore"): ((3.8, 3), (7.7, 5.0)),
    ("real", "backup-1"): ((6.5, 6), (13.0, 10.7)),
    ("real", "backup-same"): ((0.6, 0.6), (1.2, 1.8)),
}
# Peak of every backup and of the restore, on all sets.
MEMORY_MB = 200
MEMORY_STEPS = ("backup-1", "backup-same", "backup-mutated", "restore")


def seconds(results):
    """Rows: set, step; the aim, what corso took, whether that is met; then for CPU and for wall the best peer that
    encrypts, how many times corso's time it took, and how many are asked for; and the best of those that do not encrypt."""
    for (dataset, step), (aims, before) in SECONDS.items():
        ours = [results.median(dataset, OURS, step, what) for what in ("cpu", "wall")]
        if ours[0] is None:
            continue
        row = [dataset, step, f"{aims[0]} / {aims[1]}", " / ".join(map(number, ours)),
               "yes" if all(our <= aim for our, aim in zip(ours, aims)) else "no"]
        for what, our, aim, peer in zip(("cpu", "wall"), ours, aims, before):
            row.append(beside(best_peer(results, dataset, step, what), our) + f" of {peer / aim:.1f}")
        plain = [best_peer(results, dataset, step, what, encrypts=False) for what in ("cpu", "wall")]
        row.append("–" if None in plain else " / ".join(number(value) for value, _ in plain))
        yield row


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


def best_peer(results, dataset, step, what, encrypts=True):
    """The least time and who took it: of the peers that encrypt, or of those that do not."""
    peers = [t for t in peers_of(results, dataset) if (t not in PLAIN) == encrypts]
    took = {t: results.median(dataset, t, step, what) for t in peers}
    return min(((v, t) for t, v in took.items() if v is not None), default=None)


def beside(best, ours):
    return "–" if best is None else f"{number(best[0])} {best[1]}, {best[0] / max(ours, 1e-3):.1f}×"
