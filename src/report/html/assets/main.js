// Brings the page to life; each part is there only when its data are.

if (byId('plot-signal')) spectrumPlot(byId('plot-signal'), 'signal');
if (byId('plot-error')) spectrumPlot(byId('plot-error'), 'error');
setUpHeat();
if (byId('plot-wave')) wavePlot(byId('plot-wave'));
if (byId('listen')) { setUpListening(); setUpAbx(); setUpRating(); }
if (byId('knobs')) setUpLive();
// What the tests look at.
window.sqnr = { plots, binomialP, live, Player, get player() { return player; }, get abx() { return abx; }, get rating() { return rating; } };
