// Makes the tables sortable by their headings; without it they stand as they were written.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const first = head.dataset.first || "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = before === first ? other : first;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const compare = "number" in head.dataset
        ? (a, b) => a - b
        : (a, b) => a.localeCompare(b, "en", { numeric: true });
      // A cell without a value stays at the end in either order.
      const rows = [...body.rows].map((row) => [row.cells[column].dataset.v, row]);
      const known = rows.filter(([value]) => value !== undefined);
      const unknown = rows.filter(([value]) => value === undefined);
      known.sort(([a], [b]) => sign * compare(a, b));
      for (const [, row] of [...known, ...unknown]) body.append(row);
    });
  });
}
const details = () => document.querySelectorAll("details");
addEventListener("beforeprint", () => details().forEach((each) => { each.open = true; }));
