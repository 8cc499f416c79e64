"""A service under load: streams at once, ten times what it can do, clients that hang up, SIGTERM in the middle.

    python tests/walks/load.py WORKSPACE EXAMPLES.jsonl

Starts `lockstep serve` on an ingested workspace and prints one line for each phase, with what `/livez` took
meanwhile. Exits with 1 where a status other than 200 and 429 came, an answer broke off, or something was left
behind: threads, sockets, places in the queue. The times are the machine's as much as the service's: look at the
idle line first.
"""

import argparse
import asyncio
import json
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import psutil

ALIVE = b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n"


def probe(port: int) -> None:
    """Ask for ``/livez`` over one connection until stdin ends; the milliseconds of each go to stdout as JSON."""
    taken = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not select.select([sys.stdin], [], [], 0.02)[0]:
            began = time.perf_counter()
            connection.sendall(ALIVE)
            answer = connection.recv(4096)
            while not answer.endswith(b"}"):
                answer += connection.recv(4096)
            taken.append(1000 * (time.perf_counter() - began))
    print(json.dumps(taken))


class Service:
    """The process under test."""

    def __init__(self, workspace: Path) -> None:
        command = [sys.executable, "-m", "service.commands.main", "serve", "--port", "0", "--json"]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # a pipe that nobody reads would fill up, and stop the service
        self.process = subprocess.Popen(
            [*command, "--workspace", str(workspace)], stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        assert self.process.stdout is not None
        self.port = urlsplit(json.loads(self.process.stdout.readline())["url"]).port or 0

    def left(self) -> dict[str, int]:
        """What a request could leave behind."""
        process = psutil.Process(self.process.pid)
        return {
            "threads": process.num_threads(),
            "sockets": sum(one.status == psutil.CONN_ESTABLISHED for one in process.net_connections("tcp")),
            "files": process.num_fds(),
            "MiB": process.memory_info().rss // 2**20,
        }

    async def waiting(self) -> int:
        """Answers and searches inside, as the service tells."""
        status, body = await request(self.port, "GET", "/metrics")
        assert status == 200
        return sum(int(float(line.split()[1])) for line in body.decode().splitlines() if WAITING.match(line))


async def request(
    port: int, method: str, path: str, body: dict | None = None, *, hang_up: float = 0
) -> tuple[int, bytes]:
    """Status and body; 0 where the client hangs up after so many seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {len(content)}\r\n"
    try:
        writer.write(f"{head}content-type: application/json\r\n\r\n".encode() + content)
        found = await asyncio.wait_for(reader.read(-1), hang_up or None)
    except TimeoutError:
        return 0, b""
    finally:
        writer.close()
    head, _, content = found.partition(b"\r\n\r\n")
    return int(head.split()[1]), content


async def ask(port: int, question: str, *, stream: bool, hang_up: float = 0) -> str:
    """How it went: the status, "broken" where a stream did not come to its end, "hung up"."""
    body = {"model": "lockstep", "messages": [{"role": "user", "content": question}], "stream": stream}
    status, content = await request(port, "POST", "/v1/chat/completions", body, hang_up=hang_up)
    if not status:
        return "hung up"
    return "broken" if status == 200 and stream and b"[DONE]" not in content else str(status)


class Phase:
    """Probes ``/livez`` while the body runs, and prints what came of it."""

    def __init__(self, name: str, port: int) -> None:
        self.name, self.port, self.seen = name, port, Counter[str]()

    async def __aenter__(self) -> "Phase":
        self.began = time.perf_counter()
        self.prober = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--probe", str(self.port), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self.began
        out, _ = await self.prober.communicate(b"\n")
        taken = sorted(json.loads(out))
        at = {name: taken[min(int(share * len(taken)), len(taken) - 1)] for name, share in SHARES.items()}
        times = ", ".join(f"{name} {value:.1f}" for name, value in at.items())
        print(f"{self.name}: {dict(self.seen)} in {seconds:.1f} s; /livez in ms ({len(taken)}): {times}", flush=True)

    def note(self, outcomes: list[str]) -> None:
        """Count how requests went."""
        self.seen.update(outcomes)


ROUNDS = 3
WAITING = re.compile(r"lockstep_\w+_waiting ")
SHARES = {"median": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}


async def settled(service: Service) -> dict[str, int]:
    """What is left once nobody waits any more."""
    for _ in range(600):
        if not await service.waiting():
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    return service.left() | {"waiting": await service.waiting()}


async def walk(service: Service, questions: list[str]) -> list[str]:
    """The phases; what was wrong."""
    port, chosen, faults = service.port, random.Random(3), []

    def question() -> str:
        return chosen.choice(questions)

    async with Phase("idle", port):
        await asyncio.sleep(5)
    await asyncio.gather(*(ask(port, one, stream=True) for one in questions[:16]))  # everything is warm from here on
    left = [await settled(service)]
    phases = []

    async def in_turn(phase: Phase) -> None:
        for _ in range(4):
            phase.note([await ask(port, question(), stream=True)])

    for _ in range(ROUNDS):
        async with Phase("16 streams", port) as phase:
            began = time.perf_counter()
            await asyncio.gather(*(in_turn(phase) for _ in range(16)))
            rate = phase.seen["200"] / (time.perf_counter() - began)
            phases.append(phase)
        print(f"  {rate:.2f} answers a second")

        async with Phase("10 x overload for 20 s", port) as phase:
            asked, end = [], time.monotonic() + 20
            while time.monotonic() < end:
                asked.append(asyncio.create_task(ask(port, question(), stream=len(asked) % 2 == 0)))
                await asyncio.sleep(1 / (10 * rate))
            phase.note(await asyncio.gather(*asked))
            phases.append(phase)
        print(f"  {len(asked) / 20:.1f} requests a second")

        async with Phase("200 clients hang up", port) as phase:
            for _ in range(20):
                gone = [ask(port, question(), stream=n % 2 == 0, hang_up=chosen.uniform(0.01, 1.5)) for n in range(10)]
                phase.note(await asyncio.gather(*gone))
            phases.append(phase)

        left.append(await settled(service))
        print(f"before: {left[-2]}\nafter:  {left[-1]}", flush=True)
    # The first round fills caches and the allocator's arenas; what the last one adds is what would go on growing.
    for name, more in {"threads": 0, "sockets": 0, "files": 0, "waiting": 0, "MiB": 32}.items():
        if left[-1][name] > left[-2][name] + more:
            faults.append(f"{name} grew from {left[-2][name]} to {left[-1][name]}")

    streams = [asyncio.create_task(ask(port, question(), stream=True)) for _ in range(8)]
    await asyncio.sleep(0.5)
    service.process.send_signal(signal.SIGTERM)
    last = Counter(await asyncio.gather(*streams))
    await asyncio.to_thread(service.process.wait, 60)
    service.log.seek(0)
    errors = service.log.read()
    print(f"SIGTERM with 8 streams open: {dict(last)}; it ended with {service.process.returncode}")
    if service.process.returncode or "Traceback" in errors:
        faults.append(f"it ended with {service.process.returncode}: {errors[-2000:]}")
    strange = sum((phase.seen for phase in phases), last).keys() - {"200", "429", "hung up"}
    return faults + [f"found the outcome {one}" for one in sorted(strange)]


def main() -> int:
    """Run the walk."""
    if sys.argv[1] == "--probe":
        probe(int(sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("examples", type=Path, help="whose questions are asked")
    given = parser.parse_args()
    service = Service(given.workspace)
    try:
        questions = [json.loads(line)["question"] for line in given.examples.read_text().splitlines()]
        faults = asyncio.run(walk(service, questions))
    finally:
        service.process.kill()
    print("\n".join(faults) or "nothing was wrong")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
