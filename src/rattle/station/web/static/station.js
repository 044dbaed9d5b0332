// What every page runs: times in the reader's zone, and what is live.
import { localise } from "./times.js";
import { listen } from "./live.js";

localise(document);
listen();

// A second tap on a button would say the same again, and an undo would take back only that.
const sent = new WeakSet();
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.forms) sent.delete(form);
});
