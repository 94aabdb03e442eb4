//! Damages bytes, the same way for the same seed.

/// Words that mean something in HTTP, where they do not belong.
const WORDS: [&[u8]; 26] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\0",
    b" ",
    b":",
    b",",
    b"%",
    b"%00",
    b"../",
    b"//",
    b"\xff\xfe",
    b"HTTP/1.1",
    b"HTTP/9.9",
    b"Host: x\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Connection: close\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    b"Expect: 100-continue\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\n\r\n",
    b"Set-Cookie: =occ_opencode=x\r\n",
];

/// A source of numbers: xorshift.
pub struct Damage(u64);

impl Damage {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        let mut damage = Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1);
        // Seeds beside each other are not alike after this.
        for _ in 0..8 {
            damage.next(2);
        }
        damage
    }

    /// A number below this one.
    pub fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let number = usize::try_from(self.0 >> 11).unwrap_or(0);
        number % below.max(1)
    }

    /// One of these.
    pub fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.next(of.len())]
    }

    /// A copy with up to eight changes; often none.
    pub fn of(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut copy = bytes.to_vec();
        for _ in 0..self.next(9).saturating_sub(1) {
            self.change(&mut copy);
        }
        copy
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.next(bytes.len() + 1);
        let end = (at + self.next(32)).min(bytes.len());
        match self.next(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.next(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                let to = self.next(bytes.len() + 1);
                drop(bytes.splice(to..to, part));
            }
            3 => bytes.truncate(at),
            4 => {
                let many = vec![b'a'; 1 << self.next(17)];
                drop(bytes.splice(at..at, many));
            }
            _ => {
                let word = self.pick(&WORDS);
                drop(bytes.splice(at..at, word.iter().copied()));
            }
        }
    }
}
