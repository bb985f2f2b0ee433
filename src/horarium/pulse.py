"""The pulse: a small file by which a runner shows, beside its store, that it and each of its children are at work.

Whoever runs rewrites it every second or so; a probe reads it and needs neither the app nor the store. It lies in memory
(/dev/shm) where there is such a place. All moments are readings of the monotonic clock, which a host has one of.
Imports nothing but ``os``: the probe is started every few seconds.
"""

from __future__ import annotations

import os

VERSION = "horarium-pulse 1"
SUFFIX = ".pulse"
PLACES = ("/dev/shm", "/tmp")


class Place:
    """A child, or a scheduler's own loop: when it was last seen at work, and at what."""

    __slots__ = ("at", "doing", "name")

    def __init__(self, name: str, at: float, doing: str) -> None:
        self.name = name  # child-0 ..., or loop
        self.at = at
        self.doing = doing  # looked, busy, starting


class Pulse:
    """What one runner shows. ``start`` is when its process began, in the kernel's words: pids are used again."""

    __slots__ = ("at", "kind", "name", "pid", "places", "start", "state")

    def __init__(
        self, kind: str, name: str, pid: int, start: int, at: float, state: str, places: tuple[Place, ...]
    ) -> None:
        self.kind = kind  # worker or beat
        self.name = name
        self.pid = pid
        self.start = start
        self.at = at
        self.state = state  # starting, running, stopping
        self.places = places

    def is_of_living_process(self) -> bool:
        """Whether the process that wrote it is still there."""
        return is_same_process(self.pid, self.start)


def written(pulse: Pulse) -> str:
    """Return the text of a pulse."""
    head = f"{VERSION}\nkind {pulse.kind}\nname {pulse.name}\npid {pulse.pid}\nstart {pulse.start}\n"
    lines = [f"place {place.name} {place.at:.3f} {place.doing}\n" for place in pulse.places]
    return "".join([head, f"at {pulse.at:.3f}\nstate {pulse.state}\n", *lines])


def read(text: str) -> Pulse | None:
    """Return the pulse that a text tells, None if it is none."""
    lines = text.splitlines()
    if not lines or lines[0] != VERSION:
        return None
    words: dict[str, str] = {}
    places = []
    try:
        for line in lines[1:]:
            key, _, value = line.partition(" ")
            if key == "place":
                name, at, doing = value.split(" ", 2)
                places.append(Place(name, float(at), doing))
            else:
                words[key] = value
        return Pulse(
            words["kind"],
            words["name"],
            int(words["pid"]),
            int(words["start"]),
            float(words["at"]),
            words["state"],
            tuple(places),
        )
    except (KeyError, ValueError):
        return None


def folders(chosen: str | None) -> list[str]:
    """Return where pulses of this user may lie, the first choice first; of all users for root."""
    if chosen:
        return [chosen]
    own = [f"{place}/horarium-{os.getuid()}" for place in PLACES]
    if os.getuid() != 0:
        return own
    found = [
        f"{place}/{name}"
        for place in PLACES
        if os.path.isdir(place)
        for name in sorted(os.listdir(place))
        if name.startswith("horarium-") and name[9:].isdigit()
    ]
    return own + [folder for folder in found if folder not in own]


def pulses(chosen: str | None) -> list[Pulse]:
    """Return every pulse that can be read, in the order of their files' names."""
    found = []
    for folder in folders(chosen):
        if not os.path.isdir(folder) or not (chosen or is_safe(folder)):
            continue
        for name in sorted(os.listdir(folder)):
            if name.endswith(SUFFIX):
                pulse = _read_file(f"{folder}/{name}")
                if pulse is not None:
                    found.append(pulse)
    return found


def is_safe(folder: str) -> bool:
    """Whether nobody but its owner, and nobody but the user it is named for, can have put files there."""
    about = os.lstat(folder)
    is_folder = about.st_mode & 0o170000 == 0o040000
    return is_folder and not about.st_mode & 0o022 and folder.endswith(f"-{about.st_uid}")


class Writer:
    """Writes one runner's pulse. ``trouble`` says why it cannot, once it cannot: then nobody is kept from work."""

    def __init__(self, chosen: str | None, kind: str, name: str) -> None:
        self.trouble: str | None = None
        self._kind = kind
        self._name = name
        self._pid = os.getpid()
        self._start = start_of(self._pid)
        folder = self._make_folder(chosen)
        self._path = f"{folder}/{kind}-{self._pid}{SUFFIX}" if folder else None
        if folder:
            _sweep(folder)

    def write(self, at: float, state: str, places: tuple[Place, ...]) -> None:
        """Replace the file, whole or not at all. Never raises."""
        if self._path is None:
            return
        pulse = Pulse(self._kind, self._name, self._pid, self._start, at, state, places)
        try:
            with open(f"{self._path}~", "w", encoding="utf-8") as file:
                file.write(written(pulse))
            os.replace(f"{self._path}~", self._path)
        except OSError as error:
            self.trouble = f"{self._path} cannot be written: {error.strerror}"

    def end(self) -> None:
        """Take the file away: this runner has ended in good order. Doing it twice is fine."""
        if self._path is not None:
            for path in (self._path, f"{self._path}~"):
                _remove(path)

    def _make_folder(self, chosen: str | None) -> str | None:
        reasons = []
        for folder in [chosen] if chosen else [f"{place}/horarium-{os.getuid()}" for place in PLACES]:
            try:
                os.makedirs(folder, mode=0o700, exist_ok=True)
                if not os.access(folder, os.W_OK):
                    reasons.append(f"{folder} is not writable")
                elif not chosen and not is_safe(folder):
                    reasons.append(f"{folder} is somebody else's")
                else:
                    return folder
            except OSError as error:
                reasons.append(f"{folder}: {error.strerror}")
        self.trouble = f"`horarium health` will not see this process ({'; '.join(reasons)}); set HORARIUM_RUN_DIR"
        return None


def start_of(pid: int) -> int:
    """Return when a process began, in clock ticks since boot; 0 where that cannot be known or there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def is_same_process(pid: int, start: int) -> bool:
    """Whether the process of this number is there and is the one that began then (0: not known when)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    except OverflowError:
        return False
    now = start_of(pid)
    return not start or not now or now == start


def _read_file(path: str) -> Pulse | None:
    try:
        with open(path, encoding="utf-8") as file:
            return read(file.read())
    except (OSError, ValueError):  # gone meanwhile, not ours to read, or no text
        return None


def _sweep(folder: str) -> None:
    """Remove what processes left behind that were killed."""
    for name in os.listdir(folder):
        if name.endswith(SUFFIX):
            pulse = _read_file(f"{folder}/{name}")
            if pulse is not None and not pulse.is_of_living_process():
                _remove(f"{folder}/{name}")


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:  # it is gone, or another one's: nothing is lost
        return
