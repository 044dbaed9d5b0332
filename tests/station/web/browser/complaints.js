// What a screen reader stumbles over. Gives a list of complaints.
() => {
  const said = [];
  const name = (e) => (e.getAttribute('aria-label') || e.textContent || e.title || '').trim();
  const all = (what) => [...document.querySelectorAll(what)];
  if (!document.documentElement.lang) said.push('the page has no language');
  if (all('main').length !== 1) said.push('there is not one main part');
  if (all('h1').length !== 1) said.push(`${all('h1').length} first headings`);
  let last = 0;
  for (const each of all('h1, h2, h3, h4').filter((e) => !e.closest('dialog'))) {
    const level = Number(each.tagName[1]);
    if (level > last + 1) said.push(`heading ${each.textContent} skips a level`);
    last = level;
  }
  for (const each of all('img')) if (!each.alt) said.push(`no alt: ${each.src}`);
  for (const each of all('svg[role=img]')) if (!name(each)) said.push('a picture without a name');
  for (const each of all('svg:not([role=img])'))
    if (!each.closest('[aria-hidden=true], [role=img]')) said.push('a bare svg: ' + each.outerHTML.slice(0, 80));
  for (const each of all('a, button')) if (!name(each)) said.push(`no name: ${each.outerHTML}`);
  for (const each of all('input:not([type=hidden]), textarea, select'))
    if (!each.labels.length && !each.getAttribute('aria-label')) said.push(`no label: ${each.outerHTML}`);
  for (const each of all('audio')) if (!name(each)) said.push('a recording without a name');
  for (const each of all('nav, aside')) if (!name(each)) said.push('a landmark without a name');
  const ids = all('[id]').map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) said.push(`two of id ${id}`);
  return said;
}
