// What a reader would stumble over, as lists of sentences; an empty list is good.
() => {
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 40);
  const seen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  // Each line of each text, with the box that its letters fill.
  const lines = [];
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!/[^\s\u00a0\u034f\u2007]/.test(node.data) || !seen(node.parentElement)) continue;
    texts.push(node);
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 1 || box.height < 1) continue;
      // The box of a line is higher than its letters, and those of two lines may touch.
      const air = box.height * 0.25;
      lines.push({ text: short(node.data), node, left: box.left, right: box.right, top: box.top + air, bottom: box.bottom - air });
    }
  }
  const images = [...document.images].filter(seen).map((image) => {
    const box = image.getBoundingClientRect();
    return { text: `[${image.alt}]`, node: image, left: box.left, right: box.right, top: box.top, bottom: box.bottom };
  }).filter((box) => box.right - box.left > 2);

  const overlaps = [];
  const boxes = [...lines, ...images];
  for (let a = 0; a < boxes.length; a++)
    for (let b = a + 1; b < boxes.length; b++) {
      const [one, other] = [boxes[a], boxes[b]];
      if (one.node === other.node) continue;
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (wide > 2 && high > 2) overlaps.push(`"${one.text}" lies on "${other.text}"`);
    }

  const width = document.documentElement.clientWidth;
  const beyond = boxes.filter((box) => box.left < -0.5 || box.right > width + 0.5).map((box) => `"${box.text}" leaves the screen`);
  const scroll = document.documentElement.scrollWidth > width ? [`${document.documentElement.scrollWidth} pixels are wide, ${width} are there`] : [];

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const numbers = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 255] : [255, 255, 255, 255];
  };
  const faint = [];
  const tiny = [];
  for (const node of texts) {
    const style = getComputedStyle(node.parentElement);
    const [one, other] = [luminance(numbers(style.color)), luminance(ground(node.parentElement))].sort((a, b) => a - b);
    const ratio = (other + 0.05) / (one + 0.05);
    if (ratio < 4.5) faint.push(`"${short(node.data)}" has ${ratio.toFixed(2)} to 1`);
    if (parseFloat(style.fontSize) < 12) tiny.push(`"${short(node.data)}" is ${style.fontSize} high`);
  }

  // A finger needs room: WCAG 2.5.8 asks for 24 pixels, makers of phones for 44.
  const narrow = [...document.querySelectorAll("a.button")].filter(seen)
    .map((link) => [link, link.getBoundingClientRect()])
    .filter(([, box]) => box.height < 44)
    .map(([link, box]) => `the button "${short(link.textContent)}" is ${Math.round(box.height)} high`);

  return { scroll, beyond, overlaps, faint, tiny, narrow };
};
