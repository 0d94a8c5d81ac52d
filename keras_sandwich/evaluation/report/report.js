// Two pictures on one another and a line between them that can be dragged, touched, or moved with the arrow keys.
for (const comparison of document.querySelectorAll(".comparison")) {
  const details = comparison.querySelector("details.side-by-side");
  const figures = [...details.querySelectorAll("figure[data-side]")];
  if (figures.length < 2) continue;
  const make = (tag, className, parent) => {
    const element = document.createElement(tag);
    element.className = className;
    return parent.appendChild(element);
  };
  const holder = document.createElement("div");
  const slider = make("div", "slider", holder);
  const under = make("img", "under", slider);
  const over = make("img", "over", slider);
  make("div", "bar", slider);
  const sides = make("div", "sides", holder);
  slider.tabIndex = 0;
  slider.setAttribute("role", "slider");
  slider.setAttribute("aria-label", "How much of the left picture is shown");
  slider.setAttribute("aria-valuemin", 0);
  slider.setAttribute("aria-valuemax", 100);

  let at = 50;
  const move = (value) => {
    at = Math.min(100, Math.max(0, value));
    slider.style.setProperty("--at", at + "%");
    slider.setAttribute("aria-valuenow", Math.round(at));
  };
  const choose = (image, figure) => {
    image.src = figure.querySelector("img").src;
    image.alt = figure.dataset.side;
  };
  const select = (title, image, chosen) => {
    const label = make("label", "", sides);
    label.append(title);
    const list = make("select", "", label);
    figures.forEach((figure, index) =>
      list.add(new Option(figure.dataset.side, index, false, index === chosen)));
    list.addEventListener("change", () => choose(image, figures[list.value]));
    choose(image, figures[chosen]);
  };
  select("Left", over, figures.length > 2 ? 1 : 0);
  select("Right", under, figures.length > 2 ? 2 : 1);

  const first = figures[0].querySelector("img");
  const fit = () => {
    const room = comparison.clientWidth - 2 * parseFloat(getComputedStyle(comparison).paddingLeft);
    const width = Number(first.getAttribute("width"));
    const times = Math.max(1, Math.floor(Math.min(room, 800) / width));
    const shown = room < 540 ? room : Math.min(width * times, room); // a phone's whole width, else whole pixels
    slider.style.width = shown + "px";
    sides.style.width = Math.max(shown, Math.min(room, 540)) + "px";
    for (const image of [under, over]) image.classList.toggle("pixels", shown === width * times);
  };
  const follow = (event) => {
    const box = slider.getBoundingClientRect();
    move(100 * (event.clientX - box.left) / box.width);
  };
  slider.addEventListener("pointerdown", (event) => { follow(event); slider.setPointerCapture(event.pointerId); });
  slider.addEventListener("pointermove", (event) => { if (slider.hasPointerCapture(event.pointerId)) follow(event); });
  slider.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, Home: -100, End: 100 }[event.key];
    if (step) { move(at + step); event.preventDefault(); }
  });
  addEventListener("resize", fit);
  details.before(holder);
  details.open = false;
  fit();
  move(50);
}
