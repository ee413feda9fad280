// Blind ABX: X is A or B by chance; enough right answers show that the two can be told apart.

/** Probability of at least `right` of `n` by guessing: sum over k >= right of C(n, k) / 2^n. */
function binomialP(right, n) {
  let term = 2 ** -n;
  let sum = 0;
  for (let k = 0; k <= n; k += 1) {
    if (k >= right) sum += term;
    term *= (n - k) / (k + 1);
  }
  return Math.min(1, sum);
}

class Abx {
  constructor(a, b, n) {
    Object.assign(this, { a, b, n, trials: [], started: new Date().toISOString() });
    this.draw();
  }

  draw() { this.x = random(2) === 0 ? 'A' : 'B'; }

  get done() { return this.trials.length >= this.n; }

  get right() { return this.trials.filter((t) => t.x === t.answer).length; }

  get p() { return binomialP(this.right, this.trials.length); }

  answer(answer) {
    if (this.done) return;
    this.trials.push({ trial: this.trials.length + 1, x: this.x, answer });
    if (!this.done) this.draw();
  }

  result() {
    const names = { a: sourceName(this.a), b: sourceName(this.b) };
    return { schema: 1, test: 'abx', ...names, started: this.started, trials: this.trials, right: this.right, n: this.trials.length, p_value: this.p };
  }
}

let abx = null;

function showAbx() {
  const status = byId('abx-status');
  for (const id of ['abx-play-a', 'abx-play-b', 'abx-play-x', 'abx-answer-a', 'abx-answer-b']) byId(id).disabled = !abx || abx.done;
  for (const id of ['abx-json', 'abx-csv']) byId(id).disabled = !abx || abx.trials.length === 0;
  if (!abx) { status.textContent = 'Not started.'; return; }
  const score = `${abx.right} of ${abx.trials.length} right, p = ${abx.trials.length ? abx.p.toFixed(4) : '1.0000'}`;
  const verdict = abx.p < 0.05
    ? `Guessing does as well in ${(abx.p * 100).toFixed(1)} of 100 tests: you hear a difference.`
    : 'This can well be guessing: no difference was shown.';
  status.textContent = abx.done ? `Done: ${score}. ${verdict}` : `Trial ${abx.trials.length + 1} of ${abx.n}. ${score}.`;
}

function setUpAbx() {
  for (const [id, preset] of [['abx-a', 0], ['abx-b', Math.min(1, data.versions.length - 1)]]) {
    data.versions.forEach((v, i) => byId(id).append(element('option', { value: i, selected: i === preset }, v.name)));
  }
  byId('abx-start').onclick = async () => {
    await ready();
    const n = Math.min(100, Math.max(1, Math.round(Number(byId('abx-n').value)) || 10));
    abx = new Abx(Number(byId('abx-a').value), Number(byId('abx-b').value), n);
    blind(true);
    showAbx();
    byId('abx-play-x').focus();
  };
  const hear = (which) => async () => {
    const real = which === 'X' ? abx.x : which;
    await hearSource(real === 'A' ? abx.a : abx.b);
  };
  byId('abx-play-a').onclick = hear('A');
  byId('abx-play-b').onclick = hear('B');
  byId('abx-play-x').onclick = hear('X');
  const answer = (which) => () => {
    abx.answer(which);
    if (abx.done) { player.stop(); blind(false); }
    showAbx();
  };
  byId('abx-answer-a').onclick = answer('A');
  byId('abx-answer-b').onclick = answer('B');
  byId('abx-json').onclick = () => download('abx.json', 'application/json', JSON.stringify(abx.result(), null, 1));
  byId('abx-csv').onclick = () => download('abx.csv', 'text/csv',
    csv([['trial', 'x', 'answer', 'right'], ...abx.trials.map((t) => [t.trial, t.x, t.answer, t.x === t.answer ? 1 : 0])]));
  showAbx();
}
