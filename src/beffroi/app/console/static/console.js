// Enhances pages that read well without it: live state that can be paused, live logs,
// pages that follow what is written.
"use strict";

const LINES_KEPT = 1000;
const REPLAY_MS = 300;
const AGAIN_MS = 15000;
const TERMINAL_CODES = /\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]/g;

function watchSwitch() {
  const button = document.querySelector("[data-live-switch]");
  if (!button) return;
  const told = () => button.setAttribute("aria-pressed", String(localStorage.live !== "off"));
  button.hidden = false;
  button.addEventListener("click", () => {
    localStorage.live = localStorage.live === "off" ? "on" : "off";
    told();
  });
  told();
  document.addEventListener("htmx:before:request", (event) => {
    if (document.hidden || localStorage.live === "off") event.preventDefault();
  });
}

// Each connection replays the last lines: only what follows the lines shown is new. Where the two
// do not meet, more was written than is replayed.
function unseen(shown, replayed) {
  for (let known = Math.min(shown.length, replayed.length); known > 0; known--) {
    const tail = shown.slice(shown.length - known);
    if (tail.every((line, at) => line === replayed[at])) return replayed.slice(known);
  }
  return shown.length && replayed.length ? ["⋯", ...replayed] : replayed;
}

function followLog(panel) {
  let lines = panel.textContent.trim().split("\n");
  if (lines.length === 1 && lines[0].trim() === panel.dataset.none) lines = [];
  let arrived = [];
  let replaying = true;
  let paused = false;

  function show() {
    if (paused || replaying || !arrived.length) return;
    const atEnd = panel.scrollHeight - panel.scrollTop - panel.clientHeight < 40;
    lines = lines.concat(arrived).slice(-LINES_KEPT);
    arrived = [];
    panel.textContent = lines.join("\n") + "\n";
    if (atEnd) panel.scrollTop = panel.scrollHeight;
  }

  const source = new EventSource(panel.dataset.log);
  source.addEventListener("open", () => {
    arrived = [];
    replaying = true;
    setTimeout(() => {
      arrived = unseen(lines, arrived);
      replaying = false;
      show();
    }, REPLAY_MS);
  });
  source.addEventListener("message", (event) => {
    arrived.push(event.data.replace(TERMINAL_CODES, ""));
    if (arrived.length > LINES_KEPT) arrived.shift();
    requestAnimationFrame(show);
  });
  panel.scrollTop = panel.scrollHeight;

  const pause = document.querySelector("[data-log-pause]");
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    show();
  });
}

// Told of changes, a region asks for itself anew. Nobody is asked while the page is hidden.
function followChanges(region) {
  let source = null;
  let waiting = 0;

  function close() {
    clearTimeout(waiting);
    if (source) source.close();
    source = null;
  }

  function follow() {
    close();
    if (document.hidden || localStorage.live === "off") return;
    source = new EventSource(region.dataset.changes);
    source.addEventListener("changed", () => htmx.trigger(region, "changed"));
    source.addEventListener("error", () => {
      if (source && source.readyState === EventSource.CLOSED) waiting = setTimeout(follow, AGAIN_MS);
    });
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) htmx.trigger(region, "changed");
    follow();
  });
  document.querySelector("[data-live-switch]").addEventListener("click", follow);
  follow();
}

watchSwitch();
const region = document.querySelector("[data-changes]");
if (region) followChanges(region);
const panel = document.querySelector("[data-log]");
if (panel) followLog(panel);
