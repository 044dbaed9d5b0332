// Show times in the reader's zone. The server writes UTC, which stays where no script runs.

export const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
export const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
export const full = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
});
export const second = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const forms = { clock, day, full };

// A time of today needs no day.
const lately = (at, now) => (at.toDateString() === now.toDateString() ? clock : full);

export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    const form = forms[element.dataset.as] ?? lately(at, new Date(element.dataset.nowAt));
    element.textContent = form.format(at);
    element.title = exact.format(at);
  }
  for (const element of root.querySelectorAll("[data-time]")) {
    element.textContent = forms[element.dataset.as].format(new Date(element.dataset.time));
  }
}
