// Listening: all versions run together, sample by sample; which one is heard is a matter of gains.

/** Seconds in which one version fades to another: too short to hear, too long to click. */
const FADE_S = 0.008;

/** PCM of one version from base64: little-endian, interleaved, 16 or 24 bits. */
function decode(text, format, channels) {
  const raw = atob(text);
  const bytes = format === 's24' ? 3 : 2;
  const frames = Math.floor(raw.length / bytes / channels);
  const out = Array.from({ length: channels }, () => new Float32Array(frames));
  const scale = 2 ** -(8 * bytes - 1);
  for (let i = 0, at = 0; i < frames; i += 1) {
    for (let c = 0; c < channels; c += 1, at += bytes) {
      let value = raw.charCodeAt(at) | (raw.charCodeAt(at + 1) << 8);
      if (bytes === 3) value |= raw.charCodeAt(at + 2) << 16;
      out[c][i] = ((value << (32 - 8 * bytes)) >> (32 - 8 * bytes)) * scale;
    }
  }
  return out;
}

const meanSquare = (tracks) => {
  let sum = 0;
  for (const track of tracks) for (const x of track) sum += x * x;
  return sum / tracks.length / Math.max(1, tracks[0].length);
};

class Player {
  /** `tracks`: per source an array of channels, all equally long. */
  constructor(tracks, rate, context = new AudioContext({ sampleRate: rate, latencyHint: 'interactive' })) {
    this.context = context;
    this.rate = rate;
    this.buffers = tracks.map((channels) => this.buffer(channels));
    this.duration = tracks[0][0].length / rate;
    this.levels = tracks.map(() => 1);
    this.loop = [0, this.duration];
    this.selected = 0;
    this.sources = null;
    this.offset = 0;
    this.startedAt = 0;
  }

  buffer(channels) {
    const buffer = this.context.createBuffer(channels.length, channels[0].length, this.rate);
    channels.forEach((samples, c) => buffer.copyToChannel(samples, c));
    return buffer;
  }

  /** Adds a source of the same length; its index. */
  add(channels) {
    this.buffers.push(this.buffer(channels));
    this.levels.push(1);
    if (this.playing) this.sources.push(this.start(this.buffers.length - 1, this.context.currentTime + 0.03));
    return this.buffers.length - 1;
  }

  /** Puts other samples of the same length in a source's place; while it plays, at the very sample. */
  replace(index, channels) {
    this.buffers[index] = this.buffer(channels);
    if (!this.playing) return;
    const at = Math.max(this.context.currentTime + 0.03, this.startedAt);
    const old = this.sources[index];
    old.source.onended = () => old.gain.disconnect();
    old.source.stop(at);
    this.sources[index] = this.start(index, at);
  }

  /** A running source that begins at `at`, where all the others are then. */
  start(index, at) {
    const source = this.context.createBufferSource();
    const gain = this.context.createGain();
    const [start, end] = this.loop;
    Object.assign(source, { buffer: this.buffers[index], loop: true, loopStart: start, loopEnd: end });
    gain.gain.value = index === this.selected ? this.levels[index] : 0;
    source.connect(gain).connect(this.context.destination);
    source.start(at, this.positionAt(at));
    return { source, gain };
  }

  get playing() { return this.sources !== null; }

  async play(from = this.offset) {
    this.stop();
    const context = this.context;
    if (context.state !== 'running') await context.resume();
    const at = context.currentTime + 0.03;
    const [start, end] = this.loop;
    this.offset = from >= start && from < end ? from : start;
    this.startedAt = at;
    this.sources = this.buffers.map((_, i) => this.start(i, at));
  }

  stop() {
    if (!this.playing) return;
    this.offset = this.position();
    for (const { source, gain } of this.sources) { source.stop(); gain.disconnect(); }
    this.sources = null;
  }

  /** Seconds from the start of the excerpt. */
  position() {
    return this.playing ? this.positionAt(this.context.currentTime) : this.offset;
  }

  /** The same at a time of the context while it plays. */
  positionAt(time) {
    const [start, end] = this.loop;
    const run = Math.max(0, time - this.startedAt) + this.offset - start;
    return start + (run % (end - start));
  }

  /** What is heard from now on. */
  select(index) {
    this.selected = index;
    this.fade();
  }

  setLevel(index, level) {
    this.levels[index] = level;
    this.fade();
  }

  fade() {
    if (!this.playing) return;
    const now = this.context.currentTime;
    this.sources.forEach(({ gain }, i) => {
      gain.gain.cancelScheduledValues(now);
      gain.gain.setValueAtTime(gain.gain.value, now);
      gain.gain.linearRampToValueAtTime(i === this.selected ? this.levels[i] : 0, now + FADE_S);
    });
  }

  setLoop(start, end) {
    this.loop = [Math.max(0, start), Math.min(this.duration, Math.max(end, start + 0.05))];
    if (this.playing) this.play(this.loop[0]);
    else this.offset = this.loop[0];
  }
}
