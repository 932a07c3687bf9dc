"use strict";
const story = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const [page, article, choices, designer, desk, sheet] =
  ["story", "scene", "choices", "designer", "desk", "sheet"].map(byId);
const KEY = `talewright:${story.id}`;
const endings = Object.keys(story.scenes).filter(id => !story.scenes[id].choices.length);

// The way taken, a list of [scene, number of the choice that led there], and the endings reached.
let { way, found } = load();

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    const same = id => story.scenes[id]?.mark === kept.marks[id];
    const found = kept.found.filter(id => same(id) && endings.includes(id));
    return { way: kept.way.every(([id]) => same(id)) && leads(kept.way) ? kept.way : [[story.start, null]], found };
  } catch { /* Nothing is kept yet, or the browser keeps nothing for local files. */ }
  return { way: [[story.start, null]], found: [] };
}

// Whether every step of a way follows from the one before, also after the story was written anew.
function leads(steps) {
  return steps[0][0] === story.start && steps.every(([id], n) =>
    story.scenes[id] && (n === 0 || story.scenes[steps[n - 1][0]].choices[steps[n][1]].to === id));
}

function save() {
  const marks = Object.fromEntries([...way.map(([id]) => id), ...found].map(id => [id, story.scenes[id].mark]));
  try {
    localStorage.setItem(KEY, JSON.stringify({ way, found, marks }));
  } catch { /* As above. */ }
}

// The only way text gets on the page: as text, never as markup.
function add(parent, name, className, text) {
  const made = parent.appendChild(document.createElement(name));
  if (className) made.className = className;
  if (text !== undefined) {
    made.textContent = text;
    made.dir = "auto";
  }
  return made;
}

function addProse(passages) {
  const box = add(article, "div", "prose");
  for (const [isCode, text] of passages) {
    if (isCode) {
      const block = add(box, "pre");
      block.tabIndex = 0;
      add(block, "code", "", text).dir = "ltr";
    } else {
      add(box, "p", "", text);
    }
  }
}

function addDialogue(lines) {
  if (!lines.length) return;
  const list = add(article, "ul", "dialogue");
  for (const line of lines) {
    const item = add(list, "li", `voice-${line.voice % 6}`);
    const who = add(item, "span", "who", line.who);
    if (line.emotion) add(who, "span", "emotion", line.emotion);
    add(item, "span", "", `“${line.text}”`);
  }
}

function addChoices(scene) {
  scene.choices.forEach((choice, n) => {
    const button = add(choices, "button");
    button.type = "button";
    button.disabled = !choice.to;
    add(button, "span", "key", String(n + 1));
    add(button, "span", "", choice.to ? choice.text : `${choice.text} (not written yet)`);
    button.addEventListener("click", () => take(n));
  });
  if (scene.choices.length) return;
  const end = add(choices, "p", "ending");
  end.id = "ending";
  add(end, "span", "", "The end");
  if (scene.ending) add(end, "span", "kind", scene.ending);
  const again = add(choices, "button", "again", "Play again");
  again.type = "button";
  again.addEventListener("click", begin);
}

function show(arrived) {
  const [id, chosen] = way.at(-1);
  const scene = story.scenes[id];
  article.replaceChildren();
  choices.replaceChildren();
  article.dataset.scene = id;
  page.classList.toggle("opening", id === story.start);
  if (chosen !== null) {
    const taken = story.scenes[way.at(-2)[0]].choices[chosen];
    const then = add(article, "p", "then");
    add(then, "span", "chosen", taken.text);
    add(then, "span", "", taken.then);
  }
  const title = add(article, "h2", scene.title === story.title ? "unseen" : "", scene.title);
  title.tabIndex = -1;
  if (scene.standIn) add(article, "p", "stand-in", "The offline writer stood in for the model here.");
  add(article, "p", "setting", scene.setting);
  addProse(scene.prose);
  addDialogue(scene.dialogue);
  addChoices(scene);
  if (endings.includes(id) && !found.includes(id)) found.push(id);
  byId("found").textContent = `Endings found: ${found.length} of ${endings.length}.`;
  byId("back").disabled = byId("restart").disabled = way.length < 2;
  mark(id);
  if (arrived) {
    // What is read aloud goes on from the title; the status says what can be done after it.
    article.classList.remove("arrived");
    void article.offsetWidth;
    article.classList.add("arrived");
    title.focus({ preventScroll: true });
    (document.body.classList.contains("designing") ? page : window).scrollTo({ top: 0 });
    const open = scene.choices.filter(choice => choice.to).length;
    byId("status").textContent = open ? `${open} ${open === 1 ? "choice" : "choices"}.` : `The end: ${scene.ending || "open"}.`;
  }
  save();
}

// Marks a scene on the map and brings it in sight there.
function mark(id) {
  sheet.querySelector(".here")?.classList.remove("here");
  const node = sheet.querySelector(`.node[data-scene="${id}"]`);
  if (!node) return;
  node.classList.add("here");
  const [box, spot] = [sheet, node].map(element => element.getBoundingClientRect());
  sheet.scrollBy(spot.x + spot.width / 2 - box.x - box.width / 2, spot.y + spot.height / 2 - box.y - box.height / 2);
}

// The map's size, from all of it in sight to twice what it was drawn for. The point (x, y) of the
// window stays where it is; without one, the middle of the map's box.
const drawing = sheet.querySelector("svg");
const { width, height } = drawing.viewBox.baseVal;
const whole = () => Math.min(1, sheet.clientWidth / width, 0.75 * innerHeight / height);
let scale = 1;
let framed = false;

function zoom(to, x, y) {
  const box = sheet.getBoundingClientRect();
  const [right, down] = x === undefined ? [box.width / 2, box.height / 2] : [x - box.x, y - box.y];
  const [left, top] = [(sheet.scrollLeft + right) / scale, (sheet.scrollTop + down) / scale];
  scale = Math.min(2, Math.max(whole(), to));
  drawing.setAttribute("width", width * scale);
  drawing.setAttribute("height", height * scale);
  sheet.scrollTo(left * scale - right, top * scale - down);
}

// The size at which the map is first seen: all of it where its letters stay large enough to read, else
// the scene at hand with what leads there and what follows.
function frame(id) {
  const least = 0.6;
  if (whole() >= least) {
    zoom(whole());
    return;
  }
  const leads = (from, to) => story.scenes[from].choices.some(choice => choice.to === to);
  const near = Object.keys(story.scenes).filter(other => other === id || leads(id, other) || leads(other, id));
  const boxes = near.map(other => sheet.querySelector(`.node[data-scene="${other}"]`).getBBox());
  const [left, top] = ["x", "y"].map(at => Math.min(...boxes.map(box => box[at])));
  const right = Math.max(...boxes.map(box => box.x + box.width));
  const bottom = Math.max(...boxes.map(box => box.y + box.height));
  const room = Math.min(1, 0.95 * sheet.clientWidth / (right - left), 0.7 * innerHeight / (bottom - top));
  zoom(Math.max(least, room));
  if (room >= least) {
    sheet.scrollTo((left + right) / 2 * scale - sheet.clientWidth / 2, (top + bottom) / 2 * scale - sheet.clientHeight / 2);
  } else {
    mark(id);
  }
}

function take(n) {
  const choice = story.scenes[way.at(-1)[0]].choices[n];
  if (!choice || !choice.to) return;
  way.push([choice.to, n]);
  show(true);
}

function goBack() {
  if (way.length < 2) return;
  way.pop();
  show(true);
}

function begin() {
  way = [[story.start, null]];
  show(true);
}

// The shortest way from the start to any scene, for the map.
function wayTo(goal) {
  const queue = [[[story.start, null]]];
  const seen = new Set([story.start]);
  for (const path of queue) {
    const here = path.at(-1)[0];
    if (here === goal) return path;
    story.scenes[here].choices.forEach((choice, n) => {
      if (choice.to && !seen.has(choice.to)) {
        seen.add(choice.to);
        queue.push([...path, [choice.to, n]]);
      }
    });
  }
  return null;
}

function design(open) {
  designer.hidden = !open;
  document.body.classList.toggle("designing", open);
  desk.setAttribute("aria-expanded", String(open));
  if (open && !framed) frame(article.dataset.scene);
  else mark(article.dataset.scene);
  framed ||= open;
}

// A scene's outline and the parts of its score, put there when they are looked at: a large story has
// thousands.
function addScore(details) {
  if (!details.open || !details.dataset.scored || details.querySelector("table")) return;
  const { beats, basis, parts } = story.scenes[details.dataset.scored];
  const outline = document.createElement("ol");
  outline.className = "beats";
  outline.ariaLabel = "Outline";
  for (const [text, told] of beats) {
    const beat = add(outline, "li", "", text);
    if (!told) add(beat, "span", "tag warn", " not told at this point");
  }
  const table = document.createElement("table");
  add(table, "caption", "", `Score by ${basis}`);
  const body = add(table, "tbody");
  for (const [name, value, note] of parts) {
    const row = add(body, "tr");
    add(row, "th", "", name).scope = "row";
    const meter = add(add(row, "td"), "meter");
    Object.assign(meter, { low: 0.4, high: 0.7, optimum: 1, value, ariaLabel: name });
    add(row, "td", "", value.toFixed(2));
    add(row, "td", "", story.notes[note]);
  }
  details.querySelector("summary").after(...(beats.length ? [outline, table] : [table]));
}

// Arrows scroll while there is something to read, and walk through the choices in sight.
function moveFocus(step) {
  const inside = choices.contains(document.activeElement);
  if (!inside && (step < 0 || choices.getBoundingClientRect().top > innerHeight - 40)) return false;
  const buttons = [...choices.querySelectorAll("button:not(:disabled)")];
  const at = buttons.indexOf(document.activeElement);
  buttons[(at < 0 ? 0 : at + step + buttons.length) % buttons.length].focus();
  return true;
}

byId("back").addEventListener("click", goBack);
byId("restart").addEventListener("click", begin);
desk.addEventListener("click", () => design(designer.hidden));
byId("larger").addEventListener("click", () => zoom(scale * 1.5));
byId("smaller").addEventListener("click", () => zoom(scale / 1.5));
byId("whole").addEventListener("click", () => zoom(0));
sheet.addEventListener("wheel", event => {
  if (!event.ctrlKey) return; // Pinching is a wheel with this key, too.
  event.preventDefault();
  zoom(scale * 1.2 ** -Math.sign(event.deltaY), event.clientX, event.clientY);
}, { passive: false });
sheet.addEventListener("keydown", event => {
  const to = { "+": scale * 1.5, "-": scale / 1.5, 0: 0 }[event.key];
  if (to !== undefined && !event.ctrlKey && !event.metaKey) zoom(to);
});
designer.addEventListener("click", event => {
  const link = event.target.closest("a[data-scene]");
  if (!link) return;
  event.preventDefault();
  const path = wayTo(link.dataset.scene);
  if (!path) return;
  if (!matchMedia("(min-width: 70rem)").matches) design(false);
  way = path;
  show(true);
});
designer.addEventListener("toggle", event => addScore(event.target), true);
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || designer.contains(event.target)) return;
  const keys = { ArrowLeft: goBack, Backspace: goBack, ArrowDown: () => moveFocus(1), ArrowUp: () => moveFocus(-1) };
  const act = /^[1-9]$/.test(event.key) ? () => take(Number(event.key) - 1) : keys[event.key];
  if (act && act() !== false) event.preventDefault();
});
show(false);
