// Reads every export below a folder with tools nobody here wrote, and writes what they made of it to
// FILE.json beside it: `node read.mjs FOLDER`, in a folder with node_modules.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EpubCheck } from "@likecoin/epubcheck-ts";
import { compileTwine2HTML, parseTwee, parseTwine2HTML, StoryFormat } from "extwee";
import { Compiler } from "inkjs/full";

function fields(story) {
  return {
    name: story.name, ifid: story.IFID, start: story.start, format: story.format,
    passages: story.passages.map(({ name, tags, text, metadata }) => ({ name, tags, text, metadata })),
  };
}

function readTwee(text) {
  const story = parseTwee(text);
  // Compiling fills the format's source in, so each story gets its own.
  const format = new StoryFormat("Probe", "1.0.0");
  format.source = "<html><body>{{STORY_NAME}}{{STORY_DATA}}</body></html>";
  const html = compileTwine2HTML(story, format);
  return { twee: fields(story), html: fields(parseTwine2HTML(html)) };
}

// Every way through the story: the numbers of the choices and all that is shown on the way.
function readInk(text) {
  const messages = [];
  const compiler = new Compiler(text, {
    fileHandler: null, pluginNames: [], sourceFilename: null, countAllVisits: false,
    errorHandler: message => messages.push(message),
  });
  const story = compiler.Compile();
  if (!story) return { messages, endings: [] };
  story.onError = message => messages.push(message);
  const endings = [];
  function play(choices, shown, state) {
    if (state) {
      story.state.LoadJson(state);
      story.ChooseChoiceIndex(choices.at(-1));
    }
    const lines = [...shown];
    while (story.canContinue) lines.push(story.Continue());
    const offered = story.currentChoices.map(choice => choice.text);
    if (!offered.length) endings.push({ choices, lines });
    const here = story.state.ToJson();
    offered.forEach((choice, n) => play([...choices, n], [...lines, choice], here));
  }
  play([], [], null);
  return { messages, endings };
}

async function readEpub(bytes) {
  const { valid, messages } = await EpubCheck.validate(new Uint8Array(bytes));
  return { valid, messages };
}

const readers = {
  twee: bytes => readTwee(bytes.toString("utf8")),
  ink: bytes => readInk(bytes.toString("utf8")),
  epub: readEpub,
};
for (const file of readdirSync(process.argv[2], { recursive: true })) {
  const path = join(process.argv[2], file);
  const read = readers[file.split(".").at(-1)];
  if (read) writeFileSync(path + ".json", JSON.stringify(await read(readFileSync(path))));
}
