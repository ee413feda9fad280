"""A slow decoder of .sqn, written from docs/bitstream.md: the second opinion behind values.csv.

usage: python reference_decoder.py FILE.sqn OUT.npy      (needs numpy)
"""
import sys, struct, zlib, math
import numpy as np

def trunc(a, b):
    q = abs(a) // b
    return q if a >= 0 else -q

STRETCH = [max(-2047, min(2047, round(256 * math.log((i + .5) / (4096 - i - .5))))) for i in range(4096)]
SQUASH = [max(20, min(65516, round(65536 / (1 + math.exp(-(i - 2048) / 256))))) for i in range(4096)]
RATE = [(655360 + (10 * n + 16) // 2) // (10 * n + 16) for n in range(127)]
crc = zlib.crc32(struct.pack('<4096h', *STRETCH) + struct.pack('<4096H', *SQUASH) + struct.pack('<127I', *RATE))
assert crc == 1289510725, crc

class Bits:
    def __init__(s, data):
        s.data, s.at, s.range = data, 0, 2**32 - 1
        s.code = 0
        for _ in range(4):
            s.code = s.code << 8 | s.byte()
    def byte(s):
        b = s.data[s.at] if s.at < len(s.data) else 0
        s.at += 1
        return b
    def norm(s):
        while s.range < 1 << 24:
            s.range = (s.range << 8) & 0xFFFFFFFF
            s.code = (s.code << 8 | s.byte()) & 0xFFFFFFFF
    def bit(s, p):
        bound = (s.range >> 16) * p
        one = s.code < bound
        if one: s.range = bound
        else:
            s.code -= bound; s.range -= bound
        s.norm()
        return int(one)
    def bypass(s, n):
        v = 0
        for _ in range(n):
            s.range >>= 1
            b = int(s.code >= s.range)
            if b: s.code -= s.range
            v = v << 1 | b
            s.norm()
        return v

class Counter:
    __slots__ = ('P', 'n')
    def __init__(s): s.P, s.n = 1 << 21, 0
    def learn(s, b):
        s.P += ((b * (2**22 - 1) - s.P) * RATE[s.n]) >> 16
        s.n = min(s.n + 1, 126)
    def code(s, bits):
        b = bits.bit(max(20, min(65516, s.P >> 6)))
        s.learn(b)
        return b

class Lazy(dict):
    def __init__(s, make): s.make = make
    def __missing__(s, k):
        v = s[k] = s.make()
        return v

class Escape:
    def __init__(s): s.c = [Counter() for _ in range(20)]
    def code(s, bits):
        k = 0
        while True:
            if k == 20: raise ValueError('damage')
            if not s.c[k].code(bits): break
            k += 1
        return (1 << k) + bits.bypass(k) - 1

class Number:
    def __init__(s): s.c = [Counter() for _ in range(12)]; s.e = Escape()
    def code(s, bits):
        for i, c in enumerate(s.c):
            if not c.code(bits): return i
        return 12 + s.e.code(bits)

class Octal:
    def __init__(s): s.c = Lazy(Counter)
    def code(s, bits):
        node = 1
        for _ in range(3): node = 2 * node + s.c[node].code(bits)
        return node - 8

def clamp(v, a, b): return max(a, min(b, v))

def mix(bits, counters, w, v):
    x = [STRETCH[c.P >> 10] for c in counters]
    s = clamp(sum((wi + vi) * xi for wi, vi, xi in zip(w, v, x)) >> 16, -2047, 2047)
    p = SQUASH[s + 2048]
    b = bits.bit(p)
    e = 65536 * b - p
    for i in range(3):
        d = (84 * x[i] * e + 2**21) >> 22
        w[i] = clamp(w[i] + d, -2**20, 2**20)
        v[i] = clamp(v[i] + d, -2**20, 2**20)
        counters[i].learn(b)
    return b

class Band: pass
def make_bands(rate, n):
    h = rate / (2.0 * n)
    least = max(4, math.ceil(40 / h))
    edges, t, last = [0], 1.0, 0
    while last < n:
        t = max(t * 1.1751504140703886, (1 + 0.00437 * (last * h)) * 1.1256460952309533)
        last = min(max(int((t - 1) / 0.00437 / h + 0.5), last + least), n)
        edges.append(last)
    if len(edges) > 2 and 2 * (edges[-1] - edges[-2]) < edges[-2] - edges[-3]: del edges[-2]
    def cell(x):
        g = 1 + 0.00437 * (x * h)
        e, c = 1.0552721725608631, 0
        while e <= g: e *= 1.0552721725608631; c += 1
        return c
    out = []
    for a, b in zip(edges, edges[1:]):
        B = Band(); B.a, B.b = a, b
        B.c0 = cell(a); B.c1 = max(cell(b), B.c0 + 1); B.c = min(cell((a + b) / 2), B.c1 - 1)
        out.append(B)
    return out

DEFAULT = {1: 4, 2: 3, 3: 7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x13F, 8: 0x63F}
PAIRS = [(0, 1), (4, 5), (6, 7), (9, 10), (12, 14), (15, 17)]
def elements(C, mask):
    if mask == 0: mask = DEFAULT.get(C, 0)
    sp = [b for b in range(32) if mask >> b & 1]
    ch = {b: i for i, b in enumerate(sp) if i < C}
    out, used = [], set()
    for c in range(C):
        if c in used: continue
        el = [c]
        b = sp[c] if c < len(sp) else None
        for l, r in PAIRS:
            if b == l and r in ch: el.append(ch[r]); used.add(ch[r])
        out.append(el)
    return out

TH = [2, 5, 8, 13, 20, 28, 39, 55, 77, 112, 176, 288]
def cell_of(m):
    return sum(t <= m for t in TH)

def unit(l):
    m = 92682 if l % 2 else 65536
    sh = l // 2 + 7
    return min(m << sh if sh >= 0 else m >> -sh, 2**29)

def q(a, b): return (174 * max(a, b) + 82 * min(a, b)) >> 8

class Memory:
    def __init__(s, nch):
        s.n = None
        s.last = [None] * (1 if nch == 1 else 4)
        s.slow = [None] * (1 if nch == 1 else 4)
        s.ms = Lazy(int)
        s.level = [Lazy(lambda: -20) for _ in range(nch)]
        s.empty = [Lazy(int) for _ in range(nch)]
        s.cls = [Lazy(int) for _ in range(nch)]

def remap(line, n):
    if line is None: return [0] * n
    m = len(line)
    if m == n: return line
    if n < m:
        g = m // n
        return [sum(line[i * g:(i + 1) * g]) // g for i in range(n)]
    g = n // m
    return [v for v in line for _ in range(g)]

def at(line, k): return line[clamp(k, 0, len(line) - 1)]

class Group:
    def __init__(s, H):
        s.H = H
        s.tree = Lazy(Counter); s.treelast = Lazy(int)
        s.ms = Lazy(Counter); s.emptyc = Lazy(Counter)
        s.diff = Lazy(lambda: (Counter(), Counter(), Number()))
        s.lmcls = Lazy(Octal); s.dep = Lazy(Counter)
        s.noise = Octal()
        s.near, s.wide, s.other = Lazy(Counter), Lazy(Counter), Lazy(Counter)
        s.w = Lazy(lambda: [28180] * 3); s.v = Lazy(lambda: [0] * 3)
        s.esc = Escape()
        s.mem = [Memory(len(e)) for e in H.elements]

def decode_superframe(bits, G, H):
    frame = []
    for ei, el in enumerate(H.elements):
        depths = []
        def node(d):
            split = 0
            if d < H.maxdepth:
                split = G.tree[d, G.treelast[d]].code(bits)
                G.treelast[d] = split
            if split: node(d + 1); node(d + 1)
            else: depths.append(d)
        node(0)
        blocks = [decode_block(bits, G, H, ei, el, d) for d in depths]
        frame.append((depths, blocks))
    if bits.bypass(4) != 0b1010: raise ValueError('damage: sentinel')
    return frame

def decode_block(bits, G, H, ei, el, d):
    n = H.N >> d
    bands = H.bands[d]
    kls = H.classes[d]
    M = G.mem[ei]
    ms = [0] * len(bands)
    if len(el) == 2:
        below = 0
        for i, B in enumerate(bands):
            ms[i] = below = G.ms[M.ms[B.c], below].code(bits)
            for c in range(B.c0, B.c1): M.ms[c] = ms[i]
    M.last = [remap(l, n) for l in M.last]
    M.slow = [remap(l, n) for l in M.slow]
    out = []
    devs = []
    amps = []   # signed amplitudes per channel, zeros 0 ; and magnitudes
    for ch in range(len(el)):
        levels, empties, classes, dev = [], [], [], []
        D, below_empty, below_class = 0, 0, 0
        for i, B in enumerate(bands):
            r = M.level[ch][B.c]
            zempty = G.emptyc[B.c // 8, kls, M.empty[ch][B.c], below_empty].code(bits)
            below_empty = zempty
            F = devs[0][i] if ch == 1 and not ms[i] else None
            x0 = r + trunc(D + (F or 0), 2)
            cl = 0
            if zempty and H.noise_off:
                level, L = -96, r
            else:
                if zempty: kind, x = 2, x0 - 3
                elif ch == 1 and ms[i] and not out[0]['empty'][i]: kind, x = 1, out[0]['level'][i]
                else: kind, x = 0, x0
                fk = 'none' if F is None else int(F != 0)
                z, s, num = G.diff[kind, kls, min(abs(D), 2), fk]
                if z.code(bits): df = 0
                else:
                    neg = s.code(bits)
                    df = num.code(bits) + 1
                    if neg: df = -df
                level = x + df
                if not -96 <= level <= 96: raise ValueError('damage: level')
                L = level + (3 if zempty else 0)
            if not zempty:
                if H.quant == 2: cl = G.lmcls[M.cls[ch][B.c]].code(bits)
                elif H.quant == 3: cl = G.dep[M.cls[ch][B.c], below_class].code(bits); 
                if H.quant in (2, 3):
                    below_class = cl
                    for c in range(B.c0, B.c1): M.cls[ch][c] = cl
            D = L - r
            dev.append(D)
            for c in range(B.c0, B.c1): M.level[ch][c] = L; M.empty[ch][c] = zempty
            levels.append(level); empties.append(zempty); classes.append(cl)
        devs.append(dev)
        exponent = G.noise.code(bits)
        idx = [0] * n; amp = [0] * n; sgn = [0] * n; coset = [0] * n
        a = b = 4; w = 64; prev = None; t = 0
        for i, B in enumerate(bands):
            U = unit(levels[i])
            if empties[i]:
                am = 0 if levels[i] == -96 else U // 2
                for k in range(B.a, B.b): amp[k] = am
                continue
            if prev is not None:
                u = levels[i] - prev
                def sc(v):
                    if u % 2: v = v * 46341 >> 16
                    o = u // 2
                    v = v >> o if o >= 0 else v << min(-o, 24)
                    return min(v, 2**24)
                a, b, w = min(sc(a), 2**21), min(sc(b), 2**21), sc(w)
            prev = levels[i]
            line = ch + (2 if ms[i] else 0)
            last, slow = M.last[line], M.slow[line]
            factor = 46341 if levels[i] % 2 else 65536
            shift = clamp(34 + levels[i] // 2, 0, 63)
            steps = lambda v: v * factor >> shift
            dependent = H.quant == 3 and classes[i]
            for k in range(B.a, B.b):
                before = cell_of(steps((at(last, k - 1) + 2 * at(last, k) + at(last, k + 1)) >> 2))
                slowc = cell_of(steps(sum(at(slow, j) for j in range(k - 2, k + 3)) * 205 >> 10))
                if ch == 1:
                    o = amps[0]
                    oc = cell_of(steps((at(o, k - 1) + 2 * at(o, k) + at(o, k + 1)) >> 2))
                else: oc = min(B.c // 6, 12)
                z = t & 1 if dependent else 0
                kn = (z, cell_of((171 * a + 85 * b) >> 8), before)
                kw = (z, kls, cell_of(w >> 4), slowc)
                ko = (z, ch, oc, before)
                m = 0
                while m < 15:
                    if not mix(bits, [G.near[kn, m], G.wide[kw, m], G.other[ko, m]], G.w[kls, ch, m], G.v[B.c, m]): break
                    m += 1
                if m == 15: m += G.esc.code(bits)
                if m >= 1 << 20: raise ValueError('damage: magnitude')
                s = 1
                if m and bits.bypass(1): s = -1
                if dependent: t = (t >> 1) ^ (2 if z else 0) ^ (m & 1)
                size = 0 if m == 0 else (18 * (2 * m - z) if dependent else 32 * m)
                x = 4 if m == 0 else min(size, 2**21)
                b, a = a, x
                w += trunc((16 * x - w) * 51, 256)
                idx[k] = s * m; coset[k] = z if dependent else 0
                amp[k] = (31 * U) >> 8 if m == 0 else min(size * U >> 5, 2**29)
                sgn[k] = 0 if m == 0 else s
        out.append(dict(level=levels, empty=empties, cls=classes, exp=exponent, idx=idx, coset=coset))
        amps.append(amp)
        if ch == 0: sgns = [sgn]
        else: sgns.append(sgn)
    if len(el) == 1: newlast = [amps[0]]
    else:
        newlast = [[0] * n for _ in range(4)]
        for i, B in enumerate(bands):
            zero = []
            for ch in range(2):
                U = unit(out[ch]['level'][i])
                zero.append((0 if out[ch]['level'][i] == -96 else U // 2) if out[ch]['empty'][i] else (31 * U) >> 8)
            floor_ = q(*zero)
            own = (2, 3) if ms[i] else (0, 1)
            oth = (0, 1) if ms[i] else (2, 3)
            for k in range(B.a, B.b):
                newlast[own[0]][k], newlast[own[1]][k] = amps[0][k], amps[1][k]
                A, Bb = amps[0][k] * sgns[0][k], amps[1][k] * sgns[1][k]
                newlast[oth[0]][k] = max(abs(A + Bb) * 46341 >> 16, floor_)
                newlast[oth[1]][k] = max(abs(A - Bb) * 46341 >> 16, floor_)
    M.last = newlast
    M.slow = [[q(x, y) for x, y in zip(sl, la)] for sl, la in zip(M.slow, newlast)]
    return dict(d=d, n=n, ms=ms, ch=out)

class Noise:
    def __init__(s, group, channel):
        s.s = (group * 0x9E3779B9 ^ channel * 0x85EBCA6B) & 0xFFFFFFFF
        s.step()
    def step(s): s.s = (1664525 * s.s + 1013904223) & 0xFFFFFFFF
    def value(s):
        s.step()
        return ((s.s >> 8) - 2**23) * math.sqrt(3) / 2**23

def reconstruct(H, blk, el, noises):
    X = []
    Gn = 2 ** (H.gain / 512)
    for ci, c in enumerate(blk['ch']):
        x = np.zeros(blk['n'])
        z = 0 if H.noise_off else 2 ** (c['exp'] / 2 - 4)
        for i, B in enumerate(H.bands[blk['d']]):
            lv = c['level'][i]
            if lv == -96: continue
            A = Gn * 2 ** (lv / 2)
            ns = noises[el[ci]]
            for k in range(B.a, B.b):
                v = ns.value()
                if c['empty'][i]: x[k] = A * v; continue
                m = abs(c['idx'][k])
                if m == 0: x[k] = A * z * v; continue
                s = 1 if c['idx'][k] > 0 else -1
                if H.quant == 1: y = m ** (4 / 3)
                elif H.quant == 2:
                    book = [0] + H.books[c['cls'][i]]
                    y = book[m] / 64 if m < len(book) else book[-1] / 64 + m - (len(book) - 1)
                elif H.quant == 3 and c['cls'][i]: y = 0.56 * (2 * m - c['coset'][k])
                else: y = m - (0.03 if m == 1 else 0.01)
                x[k] = s * A * y
        X.append(x)
    if len(X) == 2:
        for i, B in enumerate(H.bands[blk['d']]):
            if blk['ms'][i]:
                M, S = X[0][B.a:B.b].copy(), X[1][B.a:B.b].copy()
                X[0][B.a:B.b] = (M + S) / math.sqrt(2); X[1][B.a:B.b] = (M - S) / math.sqrt(2)
    return X

D4 = {}
def dct4(X):
    n = len(X)
    if n not in D4:
        i = np.arange(n) + .5
        D4[n] = math.sqrt(2 / n) * np.cos(math.pi / n * np.outer(i, i)) if n <= 4096 else None
    return D4[n] @ X

class Header: pass
def read(data):
    H = Header()
    assert data[:4] == b'SQN1' and data[4] == 1
    f = data[5]
    H.noise_off, H.quant = f & 1, f >> 1 & 3
    assert f >> 3 == 0
    H.C, H.log2N = data[6], data[7]; H.N = 1 << H.log2N
    H.rate, H.samples, H.mask = struct.unpack_from('<IQI', data, 8)
    H.Gs, H.bits, H.target, H.gain, xl = struct.unpack_from('<BBhBI', data, 24)
    end = 33 + xl
    assert zlib.crc32(data[:end]) == struct.unpack_from('<I', data, end)[0]
    p = 33
    H.books = []
    if H.quant == 2:
        for _ in range(8):
            k = data[p]; p += 1
            H.books.append(list(struct.unpack_from(f'<{k}H', data, p))); p += 2 * k
    H.tags = []
    while p < end:
        (l,) = struct.unpack_from('<I', data, p); H.tags.append(data[p + 4:p + 4 + l].decode()); p += 4 + l
    H.maxdepth = 6; H.classes = [2, 2, 1, 1, 0, 0, 0]
    H.bands = [make_bands(H.rate, H.N >> d) for d in range(H.maxdepth + 1)]
    H.elements = elements(H.C, H.mask)
    return H, end + 4

def decode(data):
    H, p = read(data)
    coefs = [[] for _ in range(H.C)]     # per channel list of inverse-transformed blocks
    total = 0; lens = []; number = 0
    while data[p:p + 4] == b'SQGr':
        num, n, pl = struct.unpack_from('<III', data, p + 4)
        assert num == number; number += 1
        assert zlib.crc32(data[p:p + 16 + pl]) == struct.unpack_from('<I', data, p + 16 + pl)[0]
        bits = Bits(data[p + 16:p + 16 + pl]); G = Group(H)
        noises = [Noise(num, c) for c in range(H.C)]
        for _ in range(-(-n // H.N)):
            fr = decode_superframe(bits, G, H)
            for el, (depths, blocks) in zip(H.elements, fr):
                for blk in blocks:
                    for c, X in zip(el, reconstruct(H, blk, el, noises)): coefs[c].append(dct4(X))
        total += n
        p += 20 + pl
    assert data[p:p + 4] == b'SQEn'
    cnt, smp = struct.unpack_from('<IQ', data, p + 4)
    assert cnt == number and smp == total
    out = []
    for blocks in coefs:
        x = np.concatenate(blocks) if blocks else np.zeros(0)
        pos = 0
        for L, R in zip(blocks, blocks[1:]):
            pos += len(L); o = min(len(L), len(R))
            j = np.arange(o // 2)
            c = np.sin(np.pi / 2 * np.sin(np.pi * (o / 2 + j + .5) / (2 * o)) ** 2); s = np.sqrt(1 - c * c)
            a, b = x[pos - 1 - j], x[pos + j]
            x[pos - 1 - j], x[pos + j] = c * a + s * b, c * b - s * a
        out.append(x[:total])
    return H, np.array(out)

if __name__ == '__main__':
    H, y = decode(open(sys.argv[1], 'rb').read())
    np.save(sys.argv[2], y)
    print(H.rate, H.C, y.shape, 'quant', H.quant)
