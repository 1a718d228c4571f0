"use strict";
// One sound at a time; both sounds of a card share one place, counted in seconds of the upload's clip.
(() => {
  const bar = document.getElementById("bar");
  const now = document.getElementById("now");
  const announced = document.getElementById("say"); // never hidden: a live region must be there before it speaks
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let current = null; // {card, side, audio}: what was last started, kept while paused

  document.documentElement.classList.add("js");

  const audioOf = (card, side) => card.querySelector(`audio[data-side="${side}"]`);
  const buttonOf = (card, side) => card.querySelector(`button[data-side="${side}"]`);
  // A claim on an upload that is not at hand has no picture, and so no playhead.
  const headOf = (card) => card.closest(".notes").querySelector(".playhead");
  const moveHead = (card, left) => headOf(card)?.style.setProperty("left", left);
  const showHead = (card, shown) => headOf(card)?.toggleAttribute("hidden", !shown);
  const speedOf = (card, side) => Number(side === "a" ? card.dataset.ratioA : card.dataset.ratioB);
  const upload_s = () => current.audio.currentTime / speedOf(current.card, current.side);

  function draw() {
    if (!current) return;
    const { card, side, audio } = current;
    const whole_s = Number(card.closest(".notes").dataset.durationS);
    const at_s = Math.min(Number(card.dataset.startS) + upload_s(), Number(card.dataset.stopS));
    moveHead(card, `${(100 * at_s) / whole_s}%`);
    buttonOf(card, side).style.setProperty("--done", audio.duration ? audio.currentTime / audio.duration : 0);
    if (!audio.paused && !calm.matches) requestAnimationFrame(draw);
  }

  function nameSwitch(card, side) {
    const label = card.querySelector(".switch-to");
    if (label) label.textContent = label.dataset[side ?? "idle"];
  }

  function say(word) {
    const { card, side } = current;
    now.textContent = `${word}: ${buttonOf(card, side).dataset.says}`;
    if (announced.textContent !== now.textContent) announced.textContent = now.textContent;
  }

  // The buttons follow the sound, whoever started or paused it.
  function show() {
    const { card, side, audio } = current;
    const button = buttonOf(card, side);
    button.classList.add("here");
    button.classList.toggle("on", !audio.paused);
    button.querySelector(".verb").textContent = audio.paused ? "Play" : "Pause";
    nameSwitch(card, side);
    showHead(card, true);
    bar.hidden = false;
    say(audio.paused ? "Paused" : "Playing");
    draw();
  }

  function leave() {
    if (!current) return;
    const { card, side, audio } = current;
    current = null;
    audio.pause();
    const button = buttonOf(card, side);
    button.classList.remove("here", "on");
    button.style.removeProperty("--done");
    button.querySelector(".verb").textContent = "Play";
    nameSwitch(card, null);
    showHead(card, false);
  }

  function seek(audio, at_s) {
    const go = () => { audio.currentTime = Math.max(0, Math.min(at_s, audio.duration - 0.05)); };
    if (audio.readyState >= HTMLMediaElement.HAVE_METADATA) go();
    else if (at_s > 0) audio.addEventListener("loadedmetadata", go, { once: true });
  }

  function play() {
    const asked = current;
    asked.audio.play().catch((fault) => {
      // An AbortError only says that another button was quicker.
      if (current === asked && fault.name !== "AbortError") say("This browser cannot play");
    });
  }

  function listen(card, side, { keepPlace }) {
    const from_s = keepPlace && current && current.card === card ? upload_s() : 0;
    leave();
    current = { card, side, audio: audioOf(card, side) };
    for (const audio of card.querySelectorAll("audio")) {
      audio.preload = "auto";
      audio.loop = true;
    }
    seek(current.audio, from_s * speedOf(card, side));
    show();
    play();
  }

  function toggle() {
    if (current.audio.paused) play();
    else current.audio.pause();
  }

  function stop() {
    const button = current && buttonOf(current.card, current.side);
    leave();
    bar.hidden = true;
    announced.textContent = "Stopped";
    return button;
  }

  for (const name of ["play", "pause", "timeupdate"]) {
    document.addEventListener(name, (event) => {
      if (!current || event.target !== current.audio) return;
      if (name === "timeupdate") draw();
      else show();
    }, true);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "stop") {
      const last = stop();
      if (last) last.focus();
      return;
    }
    const card = button.closest(".card");
    if (!card) return; // a button of what is around the notes
    const here = current && current.card === card ? current.side : null;
    if (button.classList.contains("switch")) listen(card, here === "a" ? "b" : "a", { keepPlace: true });
    else if (button.dataset.side === here) toggle();
    else listen(card, button.dataset.side, { keepPlace: false });
    button.scrollIntoView({ block: "nearest" }); // or the bar, which has just appeared, covers it
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const key = event.key.toLowerCase();
    if (key === "a" || key === "b") {
      const card = current ? current.card : event.target.closest(".card");
      if (!card || !audioOf(card, key) || (current && current.side === key && !current.audio.paused)) return;
      listen(card, key, { keepPlace: true });
    } else if (key === "escape" && current) {
      stop();
    } else if (key === " " && current && !event.target.closest("button, audio")) {
      event.preventDefault(); // or the page scrolls
      toggle();
    }
  });

  for (const stretch of document.querySelectorAll(".stretch")) {
    const pair = [stretch, document.getElementById(stretch.hash.slice(1))];
    for (const one of pair) {
      const other = pair[one === stretch ? 1 : 0];
      for (const name of ["pointerenter", "focusin"]) one.addEventListener(name, () => other.classList.add("lit"));
      for (const name of ["pointerleave", "focusout"]) one.addEventListener(name, () => other.classList.remove("lit"));
    }
  }
})();
