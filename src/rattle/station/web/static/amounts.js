// Write scores and levels as the server does (pages/amounts_said.py).

export function scoreSaid(score) {
  if (score === null || score === undefined) return "–";
  const size = Math.abs(score);
  return score.toFixed(size < 0.01 ? 4 : size < 0.1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0);
}

export function levelSaid(levelDb) {
  if (levelDb === null || levelDb === undefined) return "–";
  return `${levelDb.toFixed(0)} dB`.replace("-", "−");
}
