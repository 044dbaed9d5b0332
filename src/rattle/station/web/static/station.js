// What every page runs: times in the reader's zone, and what is live.
import { localise } from "./times.js";
import { listen } from "./live.js";

localise(document);
listen();
