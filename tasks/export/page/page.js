"use strict";
const story = JSON.parse(document.getElementById("data").textContent);
const article = document.getElementById("scene");
const choices = document.getElementById("choices");
const back = document.getElementById("back");
const restart = document.getElementById("restart");
const desk = document.getElementById("desk");
const designer = document.getElementById("designer");
const KEY = "talewright:" + story.id;

// The way taken: a list of [scene, number of the choice that led there].
let way = load();

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) || "[]");
    if (Array.isArray(kept) && kept.length && kept.every(step => story.scenes[step[0]])) return kept;
  } catch (error) { /* Some browsers keep nothing for local files. */ }
  return [[story.start, null]];
}

function save() {
  try { localStorage.setItem(KEY, JSON.stringify(way)); } catch (error) { /* As above. */ }
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function prose(text) {
  const box = element("div", undefined, "prose");
  text.split(/(```[\s\S]*?(?:```|$))/).forEach(part => {
    if (part.startsWith("```")) {
      const code = part.replace(/^```[^\n]*\n?/, "").replace(/\n?```$/, "");
      const block = box.appendChild(element("pre"));
      block.tabIndex = 0;
      block.appendChild(element("code", code));
    } else {
      part.split(/\n{2,}/).filter(p => p.trim()).forEach(p => box.appendChild(element("p", p.trim())));
    }
  });
  return box;
}

function show(focus) {
  const [id, chosen] = way[way.length - 1];
  const scene = story.scenes[id];
  article.replaceChildren();
  article.dataset.scene = id;
  if (chosen !== null && way.length > 1) {
    const taken = story.scenes[way[way.length - 2][0]].choices[chosen];
    if (taken) article.appendChild(element("p", taken.then, "then"));
  }
  article.appendChild(element("h2", scene.title));
  if (scene.standIn) article.appendChild(element("p", "The offline writer stood in for the model here.", "standin"));
  article.appendChild(element("p", scene.setting, "setting"));
  article.appendChild(prose(scene.text));
  if (scene.dialogue.length) {
    const list = article.appendChild(element("ul", undefined, "dialogue"));
    scene.dialogue.forEach(line => {
      const item = list.appendChild(element("li"));
      const who = item.appendChild(element("span", line.who, "who"));
      if (line.emotion) who.appendChild(element("span", ", " + line.emotion, "emotion"));
      item.appendChild(element("span", line.text));
    });
  }
  choices.replaceChildren();
  scene.choices.forEach((choice, number) => {
    const button = choices.appendChild(element("button"));
    button.type = "button";
    button.appendChild(element("span", String(number + 1), "key"));
    button.appendChild(element("span", choice.to ? choice.text : choice.text + " (not written yet)"));
    button.disabled = !choice.to;
    button.addEventListener("click", () => take(number));
  });
  if (!scene.choices.length) {
    const end = choices.appendChild(element("p", "The end: " + (scene.ending || "open"), "ending"));
    end.id = "ending";
    const again = choices.appendChild(element("button", "Play again"));
    again.type = "button";
    again.addEventListener("click", begin);
  }
  back.disabled = restart.disabled = way.length < 2;
  document.querySelectorAll(".map a").forEach(node =>
    node.classList.toggle("here", node.getAttribute("href") === "#" + id));
  if (focus) {
    article.focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
  }
  save();
}

function take(number) {
  const choice = story.scenes[way[way.length - 1][0]].choices[number];
  if (!choice || !choice.to) return;
  way.push([choice.to, number]);
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

// The way from the start to any scene, for the map.
function wayTo(goal) {
  const queue = [[[story.start, null]]];
  const seen = new Set([story.start]);
  while (queue.length) {
    const path = queue.shift();
    const here = path[path.length - 1][0];
    if (here === goal) return path;
    story.scenes[here].choices.forEach((choice, number) => {
      if (choice.to && story.scenes[choice.to] && !seen.has(choice.to)) {
        seen.add(choice.to);
        queue.push([...path, [choice.to, number]]);
      }
    });
  }
  return null;
}

back.addEventListener("click", goBack);
restart.addEventListener("click", begin);
desk.addEventListener("click", () => {
  designer.hidden = !designer.hidden;
  desk.setAttribute("aria-expanded", String(!designer.hidden));
  if (!designer.hidden) designer.scrollIntoView();
});
designer.addEventListener("click", event => {
  const link = event.target.closest("a[href^='#']");
  if (!link) return;
  event.preventDefault();
  const path = wayTo(link.getAttribute("href").slice(1));
  if (path) { way = path; show(true); }
});
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[1-9]$/.test(event.key)) take(Number(event.key) - 1);
  else if (event.key === "Backspace" || event.key === "ArrowLeft") { event.preventDefault(); goBack(); }
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const buttons = [...choices.querySelectorAll("button:not(:disabled)")];
    const at = buttons.indexOf(document.activeElement);
    if (at < 0 && document.activeElement !== article && document.activeElement !== document.body) return;
    const next = buttons[(at + (event.key === "ArrowDown" ? 1 : buttons.length - 1)) % buttons.length];
    if (next && at >= 0) { event.preventDefault(); next.focus(); }
  }
});
show(false);
