/** Two distributions, exact enough for intervals (errors below 1e-6), needing no package. */

/** P(Z ≤ z) of the standard normal: erfc by the rational Chebyshev fit of Numerical Recipes, 6.2. */
export function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const series = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ].reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  const tail = (t * Math.exp(-x * x + series)) / 2;
  return z < 0 ? tail : 1 - tail;
}

/** P(T ≤ t) with a whole number of degrees of freedom: the finite series of Abramowitz and Stegun, 26.7.3–4. */
export function studentCdf(t: number, degrees: number): number {
  const theta = Math.atan(Math.abs(t) / Math.sqrt(degrees));
  const cos2 = Math.cos(theta) ** 2;
  let inside: number;
  if (degrees % 2 === 1) {
    let term = Math.cos(theta);
    let sum = degrees > 1 ? term : 0;
    for (let k = 3; k <= degrees - 2; k += 2) {
      term *= ((k - 1) / k) * cos2;
      sum += term;
    }
    inside = (2 / Math.PI) * (theta + Math.sin(theta) * sum);
  } else {
    let term = 1;
    let sum = 1;
    for (let k = 2; k <= degrees - 2; k += 2) {
      term *= ((k - 1) / k) * cos2;
      sum += term;
    }
    inside = Math.sin(theta) * sum;
  }
  return t < 0 ? (1 - inside) / 2 : (1 + inside) / 2;
}

/** The t with P(T ≤ t) = p, for p in [0.5, 1). */
export function studentQuantile(p: number, degrees: number): number {
  let low = 0;
  let high = 1;
  while (studentCdf(high, degrees) < p) high *= 2;
  for (let i = 0; i < 80; i += 1) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, degrees) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
