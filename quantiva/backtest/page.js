// Draws each figure once it is open and near the screen: a report may have a hundred of them.
const draw = (box) => {
  if (box.dataset.drawn) return;
  box.dataset.drawn = "yes";
  const spec = JSON.parse(document.querySelector(`[data-for="${box.id}"]`).textContent);
  Plotly.newPlot(box, spec.data, spec.layout, { responsive: true, displaylogo: false, displayModeBar: false });
};
const seen = new IntersectionObserver(
  (entries) => entries.forEach((one) => one.isIntersecting && draw(one.target)),
  { rootMargin: "400px" },
);
document.querySelectorAll(".chart > div").forEach((box) => seen.observe(box));
