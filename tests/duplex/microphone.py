"""A microphone that is never silent for long enough to stop: silence, and what is to be said."""

import asyncio
import collections

PIECE_MS = 20


class Microphone:
    def __init__(self, folder, rate):
        self.folder = folder
        self.size = rate * PIECE_MS // 1000 * 2
        self.queue = collections.deque()
        self.sent_ms = 0
        # Where each sentence begins in what was sent.
        self.began_ms = []

    def say(self, sentence):
        with open(f"{self.folder}/{sentence}.pcm", "rb") as file:
            sound = file.read()
        pieces = [sound[at : at + self.size] for at in range(0, len(sound), self.size)]
        self.began_ms.append(self.sent_ms + PIECE_MS * len(self.queue))
        self.queue.extend(piece.ljust(self.size, b"\0") for piece in pieces)

    async def pieces(self):
        """Each piece when it has sounded."""
        clock = asyncio.get_running_loop()
        begin = clock.time()
        while True:
            yield self.queue.popleft() if self.queue else bytes(self.size)
            self.sent_ms += PIECE_MS
            await asyncio.sleep(max(0, begin + self.sent_ms / 1000 - clock.time()))


class Speaker:
    """What was played of an answer by now: it begins to sound when its first piece comes."""

    def __init__(self, rate):
        self.bytes_each_ms = rate * 2 / 1000
        self.stop()

    def stop(self):
        self.began = None
        self.got_ms = 0

    def play(self, sound):
        if self.began is None:
            self.began = asyncio.get_running_loop().time()
        self.got_ms += len(sound) / self.bytes_each_ms

    def played_ms(self):
        if self.began is None:
            return 0
        since = (asyncio.get_running_loop().time() - self.began) * 1000
        return int(min(since, self.got_ms))
