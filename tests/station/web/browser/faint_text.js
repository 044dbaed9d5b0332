// Text that is too faint for its background: below 4.5, or 3 where it is large.
() => {
  const parse = (text) => {
    const n = text.match(/[-\d.]+/g).map(Number);
    return text.startsWith('color(') ? [255 * n[0], 255 * n[1], 255 * n[2], n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1];
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const said = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || element.closest('svg, .hidden, .skip, dialog, datalist, title') || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    let behind = element, ground = [0, 0, 0, 0];
    while (behind && ground[3] === 0) { ground = parse(getComputedStyle(behind).backgroundColor); behind = behind.parentElement; }
    if (ground[3] === 0) ground = [255, 255, 255, 1];
    const [a, b] = [light(parse(style.color).slice(0, 3)), light(ground.slice(0, 3))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) said.add(`${ratio.toFixed(2)}: ${text.slice(0, 40)} (${style.color} on ${ground})`);
  }
  return [...said];
}
