"use strict";
// What the rooms do beyond forms and links: files dropped, work watched while it goes on, a place in a waveform sought.
(() => {
  const announced = document.getElementById("say");
  const say = (text) => { if (announced) announced.textContent = text; };

  // ── jobs: each is watched over one stream of events ──
  const OVER = new Set(["done", "failed", "cancelled"]);
  const WORDS = { queued: "Waiting", running: "At work", done: "Done", failed: "Failed", cancelled: "Cancelled" };

  function watch(id, show) {
    const stream = new EventSource(`/v1/jobs/${encodeURIComponent(id)}/events`);
    const tell = (event) => {
      const job = JSON.parse(event.data);
      if (OVER.has(job.state)) stream.close();
      show(job);
    };
    stream.addEventListener("job", tell);
  }

  function moved(bar, job) {
    if (!bar) return;
    if (job.progress && job.progress[1]) [bar.value, bar.max] = job.progress;
    if (OVER.has(job.state)) bar.remove();
  }

  for (const place of document.querySelectorAll("[data-job]")) {
    const bar = document.querySelector(`progress[data-of="${CSS.escape(place.dataset.job)}"]`);
    if (!bar && "reload" in place.dataset) continue; // it was over when the page was made
    watch(place.dataset.job, (job) => {
      place.textContent = WORDS[job.state] ?? job.state;
      moved(bar, job);
      if (OVER.has(job.state)) location.reload();
    });
  }

  // ── uploads: one request a file, two at a time, so that a folder does not choke the line ──
  const form = document.getElementById("drop");
  if (form) {
    const input = form.querySelector("#files");
    const together = form.dataset.together; // where all files go in one request, if they belong together
    const list = document.getElementById("queue");
    const waiting = [];
    let busy = 0;

    function row(file) {
      const item = document.createElement("li");
      const name = document.createElement("bdi");
      const state = document.createElement("span");
      const bar = document.createElement("progress");
      name.textContent = file.name;
      state.className = "quiet";
      state.textContent = "In line";
      bar.max = file.size || 1;
      bar.value = 0;
      bar.setAttribute("aria-label", `${file.name}: how much is sent`);
      item.append(name, state, bar);
      list.append(item);
      list.hidden = false;
      document.getElementById("empty")?.remove();
      return { item, name, state, bar };
    }

    function arrived(place, job) {
      const link = document.createElement("a");
      link.href = `/uploads/${encodeURIComponent(job.id)}`;
      link.append(place.name.cloneNode(true));
      place.name.replaceWith(link);
      place.state.textContent = WORDS.queued;
      place.bar.removeAttribute("value");
      watch(job.id, (told) => {
        place.state.textContent = WORDS[told.state] ?? told.state;
        moved(place.bar, told);
        if (OVER.has(told.state)) say(`${link.textContent}: ${place.state.textContent}`);
      });
    }

    function send({ file, place }) {
      const request = new XMLHttpRequest();
      const body = new FormData();
      body.append("file", file, file.name);
      request.open("POST", "/v1/traces");
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRF-Token", form.dataset.csrf);
      request.responseType = "json";
      request.upload.onprogress = (event) => { place.bar.value = event.loaded; };
      request.onloadend = () => {
        busy -= 1;
        next();
        const told = request.response;
        if (request.status === 202) {
          arrived(place, told.items[0]);
          return;
        }
        place.state.textContent = told?.detail ?? "It did not arrive: try again";
        place.bar.remove();
        say(`${file.name}: ${place.state.textContent}`);
      };
      place.state.textContent = "On its way";
      busy += 1;
      request.send(body);
    }

    // ── files that belong together: gathered, put in order, and sent with the rest of the form ──
    const gathered = [];

    function gather(files) {
      for (const file of files) {
        const place = row(file);
        place.bar.remove();
        const away = document.createElement("button");
        away.type = "button";
        away.className = "small";
        away.textContent = "Leave out";
        away.setAttribute("aria-label", `Leave out ${file.name}`);
        const each = { file, item: place.item };
        away.addEventListener("click", () => {
          gathered.splice(gathered.indexOf(each), 1);
          place.item.remove();
          list.hidden = !gathered.length;
          input.required = !gathered.length;
          say(`${file.name} is left out`);
        });
        place.state.replaceWith(away);
        gathered.push(each);
      }
      gathered.sort((a, b) => a.file.name.localeCompare(b.file.name, undefined, { numeric: true }));
      list.append(...gathered.map((each) => each.item));
      input.value = "";
      input.required = !gathered.length;
      say(`${gathered.length} files chosen`);
    }

    function sendTogether() {
      const told = document.getElementById("arrival");
      const main = form.querySelector("button.main");
      const body = new FormData(form);
      body.delete("file");
      for (const { file } of gathered) body.append("file", file, file.name);
      const request = new XMLHttpRequest();
      request.open("POST", together);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRF-Token", form.dataset.csrf);
      request.responseType = "json";
      request.upload.onprogress = (event) => {
        told.textContent = `On its way: ${Math.floor((100 * event.loaded) / (event.total || 1))} %`;
      };
      request.onloadend = () => {
        if (request.status === 202) {
          location.assign(`${form.getAttribute("action")}/${encodeURIComponent(request.response.id)}`);
          return;
        }
        main.disabled = false;
        told.classList.add("refused");
        told.textContent = request.response?.detail ?? "It did not arrive: try again";
      };
      main.disabled = true;
      told.classList.remove("refused");
      told.textContent = "On its way";
      request.send(body);
    }

    function next() {
      while (busy < 2 && waiting.length) send(waiting.shift());
    }

    function add(files) {
      if (together) {
        gather(files);
        return;
      }
      for (const file of files) waiting.push({ file, place: row(file) });
      say(`${files.length} files on their way`);
      next();
    }

    // A folder that is dropped is walked through; what is no file is left out.
    async function dropped(transfer) {
      const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
      if (!entries.length) return [...transfer.files];
      const found = [];
      async function walk(entry) {
        if (entry.isFile) found.push(await new Promise((done, fail) => { entry.file(done, fail); }));
        if (!entry.isDirectory) return;
        const reader = entry.createReader();
        for (;;) {
          const some = await new Promise((done, fail) => { reader.readEntries(done, fail); });
          if (!some.length) return;
          for (const inner of some) await walk(inner);
        }
      }
      for (const entry of entries) await walk(entry);
      return found;
    }

    if (together) {
      input.addEventListener("change", () => gather([...input.files]));
      form.addEventListener("input", () => { document.getElementById("arrival").textContent = ""; });
    }
    form.addEventListener("submit", (event) => {
      if (together) {
        event.preventDefault();
        sendTogether();
        return;
      }
      if (!input.files.length) return;
      event.preventDefault();
      add([...input.files]);
      form.reset();
    });
    const holds = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
    addEventListener("dragover", (event) => {
      if (!holds(event)) return;
      event.preventDefault();
      document.body.classList.add("dragging");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dragging");
    });
    addEventListener("drop", async (event) => {
      if (!holds(event)) return;
      event.preventDefault();
      document.body.classList.remove("dragging");
      add(await dropped(event.dataTransfer));
    });
  }

  // ── the whole upload: a click into the waveform goes there ──
  const whole = document.querySelector("audio.whole");
  const wave = document.querySelector(".wave");
  if (whole && wave) {
    const head = document.querySelector(".playhead");
    const whole_s = Number(wave.closest(".notes").dataset.durationS);
    wave.classList.add("seekable");
    wave.addEventListener("click", (event) => {
      const box = wave.getBoundingClientRect();
      const at_s = (whole_s * (event.clientX - box.left)) / box.width;
      const go = () => { whole.currentTime = at_s; };
      if (whole.readyState >= HTMLMediaElement.HAVE_METADATA) go();
      else whole.addEventListener("loadedmetadata", go, { once: true });
      whole.play().catch(() => say("This browser cannot play it"));
    });
    whole.addEventListener("timeupdate", () => {
      if (whole.paused) return;
      head.hidden = false;
      head.style.left = `${(100 * whole.currentTime) / whole_s}%`;
    });
  }
  // One sound at a time.
  document.addEventListener("play", (event) => {
    for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
  }, true);
})();
