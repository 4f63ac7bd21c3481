"use strict";
// Pages through samples. All that comes from the shards is written with textContent or as numbers in attributes.
(() => {
  const $ = (id) => document.getElementById(id);
  const token = document.querySelector("meta[name=token]").content;
  const SVG = "http://www.w3.org/2000/svg";
  const SEEN = 0.5;  // a joint is drawn full from here on, hollow below
  const PAGE = 24, POLL_MS = 1500, PREFETCH_MS = 50;
  let state = null, mode = "samples", overlay = "joints", start = 0, found = 0, items = [], asked = 0, current = 0;
  let coming = {}, pictures = new Map();  // the next page, and the pictures of this one by position
  const faces = new Map();

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  function drawn(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }
  const isolated = (text) => element("bdi", {}, text);
  const readable = (text) => text.replaceAll("_", " ");
  const number = (value) => (Math.abs(value) >= 100 || value === 0 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3))));

  // Asking the server.
  async function ask(path, options) {
    const answer = await fetch(path, options);
    if (!answer.ok) {
      let words = `the viewer answered ${answer.status}`;
      try { words = (await answer.json()).error; } catch { /* no JSON: the status says it */ }
      throw new Error(words);
    }
    return answer;
  }
  function complain(error) {
    $("complaint").textContent = error instanceof TypeError ? "The viewer does not answer. Was it stopped?" : error.message;
    $("complaint").hidden = false;
  }
  const settle = (promise) => promise.catch(complain);

  // Controls.
  function fill(select, rows) {
    const chosen = select.value;
    while (select.options.length > 1) select.remove(1);
    for (const [value, words] of rows) select.add(new Option(words, value));
    select.value = [...select.options].some((one) => one.value === chosen) ? chosen : "";
  }
  async function refreshState() {
    state = await (await ask("api/state")).json();
    fill($("family"), state.families.map(([name, count]) => [name, `${readable(name)} (${count.toLocaleString("en")})`]));
    fill($("score"), state.scores.map(([name, low, high]) => [name, `${readable(name)} (${number(low)} to ${number(high)})`]));
    fill($("lacks"), state.lacking.map(([name, count]) => [name, `${readable(name)} (${count.toLocaleString("en")})`]));
    progress(state);
    $("marked").textContent = `${state.marked.toLocaleString("en")} marked as bad, in ${state.bad_list}`;
    $("show-rejected").textContent = `Rejected (${state.rejected.toLocaleString("en")})`;
    $("problems").hidden = !state.problems.length;
    $("problems").querySelector("summary").textContent = state.problems.length === 1 ? "1 problem with these shards" : `${state.problems.length} problems with these shards`;
    $("problems").querySelector("ul").replaceChildren(...state.problems.map((one) => element("li", {}, isolated(one))));
    if (!state.complete) setTimeout(() => settle(poll()), POLL_MS);
  }
  async function poll() {
    await refreshState();
    if (mode !== "samples") return;
    if (!isFiltered() && items.length === PAGE) { found = state.total; return pager(); }
    const ticket = asked, answer = await (await ask(`api/page?${query(start)}`)).json();
    if (ticket !== asked) return;
    if (answer.items.map((one) => one.position).join() !== items.map((one) => one.position).join()) return turnTo(start, true);
    found = answer.found;
    pager();
  }
  function progress(answer) {
    const words = `${answer.total.toLocaleString("en")} samples`;
    $("progress").textContent = answer.complete ? words : `${words}, ${answer.scanned.toLocaleString("en")} read so far`;
  }
  const isFiltered = () => ["family", "score", "lacks", "words"].some((id) => $(id).value) || $("only-marked").checked;

  function query(start) {
    const asking = new URLSearchParams({start, count: PAGE});
    if (mode === "rejected") {
      const [stage, reason] = JSON.parse($("reason").value || '["", ""]');
      asking.set("stage", stage);
      asking.set("reason", reason);
      return asking;
    }
    for (const id of ["family", "score", "low", "high", "order", "lacks", "words"]) {
      if ($(id).value && !($(id).closest("#range") && !$("score").value)) asking.set(id, $(id).value);
    }
    if ($("only-marked").checked) asking.set("marked", "1");
    return asking;
  }
  // Asks for a page: rejections as JSON, samples with their pictures in one answer, ready to be drawn all at once.
  async function pageAt(path) {
    const page = await (await ask(path)).json();
    page.pictures = new Map();
    await Promise.all(page.items.filter((item) => item.picture).map((item) => {
      const picture = new Image();
      page.pictures.set(item.position, picture);
      picture.src = item.picture;
      delete item.picture;
      return picture.decode().catch(() => {});  // a damaged one shows as such
    }));
    return page;
  }
  const pathTo = (start) => `${mode === "rejected" ? "api/rejected" : "api/sheet"}?${query(start)}`;
  async function turnTo(where, isQuiet = false) {
    start = Math.max(0, where);
    const ticket = ++asked;
    const path = pathTo(start);
    const answer = await (coming.path === path ? coming.page : pageAt(path));
    if (ticket !== asked) return;
    coming = {};
    $("complaint").hidden = true;
    found = answer.found;
    if (start >= found && found) return turnTo(PAGE * Math.floor((found - 1) / PAGE), isQuiet);
    items = answer.items;
    pictures = answer.pictures;
    progress(answer);
    pager();
    $("cards").replaceChildren(...items.map(mode === "samples" ? card : rejectedCard));
    if (!isQuiet) scrollTo(0, 0);
    $("nothing").hidden = items.length > 0;
    document.documentElement.dataset.shown = `${mode} ${start} ${found}`;
    setTimeout(() => prefetch(ticket, answer.complete), PREFETCH_MS);
  }
  // Asks for the next page once this one is drawn, so that leafing through takes no time.
  function prefetch(ticket, isComplete) {
    const isFinal = isComplete || (!isFiltered() && start + 2 * PAGE <= found);
    if (ticket !== asked || mode !== "samples" || start + PAGE >= found || !isFinal) return;
    const path = pathTo(start + PAGE), page = pageAt(path);
    page.catch(() => {});  // it is asked again, and complained of, where it is wanted
    coming = {path, page};
  }
  function pager() {
    const pages = Math.max(1, Math.ceil(found / PAGE)), page = Math.floor(start / PAGE) + 1;
    $("page").value = page;
    $("pages").textContent = `of ${pages.toLocaleString("en")} (${found.toLocaleString("en")} found)`;
    $("first").disabled = $("before").disabled = page <= 1;
    $("after").disabled = $("last").disabled = page >= pages;
  }

  // Cards.
  function card(item, place) {
    const made = element("article", {class: "card", "data-position": item.position});
    const open = element("button", {type: "button", class: "open", "aria-label": `Enlarge ${item.key}`}, frame(item, pictures.get(item.position)));
    open.addEventListener("click", () => enlarge(place));
    const words = element("p", {class: "says"}, isolated(item.caption || ""));
    const poses = [...new Set((item.people || []).map((one) => `${readable(one.family)}, ${readable(one.action)}`))].join("; ");
    const mark = element("button", {type: "button", class: "mark", "aria-label": `Mark ${item.key} as bad`}, "bad");
    mark.addEventListener("click", () => settle(setMark(item, !item.bad)));
    made.append(open, words, element("p", {class: "soft"}, isolated(poses)), element("p", {class: "foot"}, element("span", {class: "key"}, isolated(item.key)), mark));
    if (item.problem) made.append(element("p", {class: "alarm"}, isolated(item.problem)));
    showMark(made, item);
    return made;
  }
  function rejectedCard(item) {
    const picture = element("img", {src: `rejected/${item.number}`, alt: "", loading: "lazy", decoding: "async"});
    const reason = element("p", {class: "says"}, isolated(item.reason));
    return element("article", {class: "card"}, element("div", {class: "frame"}, picture), reason,
      element("p", {class: "soft"}, isolated(item.stage)), element("p", {class: "foot"}, element("span", {class: "key"}, isolated(item.key))));
  }
  function showMark(made, item) {
    made.classList.toggle("is-bad", Boolean(item.bad));
    made.querySelector(".mark")?.setAttribute("aria-pressed", String(Boolean(item.bad)));
  }
  async function setMark(item, bad) {
    const answer = await ask("api/bad", {
      method: "POST",
      headers: {"Content-Type": "application/json", "X-Synthgen-Token": token},
      body: JSON.stringify({positions: [item.position], bad}),
    });
    item.bad = bad;
    if ($("only-marked").checked) coming = {};
    const {marked} = await answer.json();
    $("marked").textContent = `${marked.toLocaleString("en")} marked as bad, in ${state.bad_list}`;
    const made = document.querySelector(`.card[data-position="${item.position}"]`);
    if (made) showMark(made, item);
    if ($("title").dataset.position === String(item.position)) showDialogMark(item);
  }

  // A picture with what lies over it.
  function frame(item, picture, isLarge = false) {
    const made = element("span", {class: "frame"});
    const size = item.width && item.height ? {width: item.width, height: item.height} : {};
    for (const [name, value] of Object.entries({alt: item.caption || "", ...size})) picture?.setAttribute(name, value);
    if (picture) made.append(picture);
    if (overlay !== "none" && item.width && item.height) made.append(skeleton(item));
    if (overlay === "mesh" && item.camera) settle(addMesh(made, item, isLarge));
    return made;
  }
  const large = (item) => frame(item, element("img", {src: `picture/${item.position}`, decoding: "async"}), true);
  // One path for all lines, or all joints, of a colour: a page of pictures has a few hundred elements, not thousands.
  function skeleton(item) {
    const over = drawn("svg", {class: "skeleton", viewBox: `0 0 ${item.width} ${item.height}`, "aria-hidden": "true"});
    const {bones, sides} = state.skeleton, limit = 4 * Math.max(item.width, item.height), paths = new Map();
    const clip = (value) => Math.min(Math.max(value + 0.5, -limit), limit).toFixed(2);
    const add = (kind, path) => paths.set(kind, (paths.get(kind) || "") + path);
    for (const one of item.people) {
      if (one.bbox) {
        const [left, top, right, bottom] = one.bbox.map(clip);
        add("box", `M${left} ${top}H${right}V${bottom}H${left}Z`);
      }
      const points = one.keypoints;
      if (!points || overlay === "mesh") continue;
      for (const [a, b] of bones) if (points[a] && points[b]) {
        const path = `M${clip(points[a][0])} ${clip(points[a][1])}L${clip(points[b][0])} ${clip(points[b][1])}`;
        add("halo", path);
        add(`bone ${sides[a] === sides[b] ? sides[a] : "middle"}`, path);
      }
      points.forEach((point, joint) => {
        if (!point) return;
        const path = `M${clip(point[0])} ${clip(point[1])}h0`;
        add("joint edge", path);
        add(`joint ${sides[joint]}`, path);
        if ((one.visibility ? one.visibility[joint] : point[2]) < SEEN) add("joint hidden", path);
      });
    }
    const order = ["box", "halo", "bone", "joint edge", "joint left", "joint right", "joint middle", "joint hidden"];
    const rank = (kind) => order.findIndex((one) => kind.startsWith(one));
    for (const kind of [...paths.keys()].sort((a, b) => rank(a) - rank(b))) {
      over.append(drawn("path", {d: paths.get(kind), class: kind}));
    }
    return over;
  }

  // Bodies.
  let wanted = null;
  // All that is asked for in one go, such as for the cards of a page, comes in one answer.
  async function bodiesOf(item) {
    if (!item.people.some((one) => one.valid.includes("smpl"))) return [];
    wanted ??= {positions: [], answer: Promise.resolve().then(askForBodies)};
    wanted.positions.push(item.position);
    const found = (await wanted.answer).get(item.position);
    if (found.problem) throw new Error(found.problem);
    return Mesh.bodies(found.vertices, await facesOf(found.body), found.people);
  }
  async function askForBodies() {
    const path = `meshes/${wanted.positions.join()}`;
    wanted = null;
    const data = await (await ask(path)).arrayBuffer(), length = new DataView(data).getUint32(0, true);
    const found = new Map();
    let at = 4 + length;
    for (const row of JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)))) {
      if (row.body) row.vertices = new Float32Array(data, at, row.bytes / 4);
      at += row.bytes || 0;
      found.set(row.position, row);
    }
    return found;
  }
  function facesOf(name) {
    if (!faces.has(name)) faces.set(name, ask(`faces/${encodeURIComponent(name)}`).then((one) => one.arrayBuffer()).then((one) => new Uint16Array(one)));
    return faces.get(name);
  }
  async function addMesh(made, item, isLarge) {
    const list = await bodiesOf(item);
    if (!list.length) return;
    const longer = Math.max(item.width, item.height), scale = isLarge ? 896 / longer : Math.min(1, 384 / longer);
    const canvas = element("canvas", {width: Math.round(item.width * scale), height: Math.round(item.height * scale), class: "mesh"});
    const [fx, fy, cx, cy] = item.camera;
    const camera = {fx: fx * scale, fy: fy * scale, cx: (cx + 0.5) * scale, cy: (cy + 0.5) * scale};
    Mesh.draw(canvas, list, camera, Mesh.still, [0, 0, 0], [0, 0, 0], 205);
    made.append(canvas);
  }

  // The turntable: bodies seen from where the mouse turns them.
  const turned = {list: [], yaw: 0, pitch: 0, zoom: 1, middle: [0, 0, 0], radius: 1};
  function drawTurned() {
    const canvas = $("turned"), side = canvas.width, focal = 1.6 * side * turned.zoom;
    const camera = {fx: focal, fy: focal, cx: side / 2, cy: side / 2};
    Mesh.draw(canvas, turned.list, camera, Mesh.rotation(turned.yaw, turned.pitch), turned.middle, [0, 0, 3.5 * turned.radius], 255);
    canvas.dataset.drawn = `${turned.list.length} ${turned.yaw.toFixed(3)} ${turned.pitch.toFixed(3)} ${turned.zoom.toFixed(3)}`;
  }
  let waiting = 0;
  function turnBy(yaw, pitch, zoom = 1) {
    turned.yaw += yaw;
    turned.pitch = Math.min(Math.max(turned.pitch + pitch, -Math.PI / 2), Math.PI / 2);
    turned.zoom = Math.min(Math.max(turned.zoom * zoom, 0.3), 8);
    if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; drawTurned(); });
  }
  async function fillTurntable(item) {
    Object.assign(turned, {list: [], yaw: 0, pitch: 0, zoom: 1});
    drawTurned();
    $("turn-hint").textContent = "Nobody in this picture has SMPL parameters.";
    let list = [];
    try { list = await bodiesOf(item); } catch (error) { $("turn-hint").textContent = error.message; return; }
    if ($("title").dataset.position !== String(item.position) || !list.length) return;
    Object.assign(turned, {list, ...Mesh.extent(list)});
    $("turn-hint").textContent = "Drag to turn, scroll to come nearer, double-click to reset.";
    drawTurned();
  }
  const table = $("turned");
  table.addEventListener("pointerdown", (event) => table.setPointerCapture(event.pointerId));
  table.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) turnBy(-event.movementX * 0.01, event.movementY * 0.01);
  });
  table.addEventListener("wheel", (event) => { event.preventDefault(); turnBy(0, 0, Math.exp(-event.deltaY * 0.001)); }, {passive: false});
  table.addEventListener("dblclick", () => { Object.assign(turned, {yaw: 0, pitch: 0, zoom: 1}); drawTurned(); });
  table.addEventListener("keydown", (event) => {
    const steps = {ArrowLeft: [0.2, 0], ArrowRight: [-0.2, 0], ArrowUp: [0, -0.2], ArrowDown: [0, 0.2]};
    if (steps[event.key]) { turnBy(...steps[event.key]); event.preventDefault(); event.stopPropagation(); }
  });

  // One sample, enlarged.
  function enlarge(place) {
    const item = items[place];
    current = place;
    $("title").replaceChildren(isolated(item.key));
    $("title").dataset.position = item.position;
    $("stage").replaceChildren(large(item));
    $("caption").replaceChildren(isolated(item.caption || ""));
    $("facts").replaceChildren(...facts(item));
    $("layers").replaceChildren();
    showDialogMark(item);
    if (!document.querySelector("dialog").open) document.querySelector("dialog").showModal();
    settle(fillTurntable(item));
    settle(fillLayers(item));
  }
  async function fillLayers(item) {
    const {views} = await (await ask(`api/views?position=${item.position}`)).json();
    if ($("title").dataset.position !== String(item.position)) return;
    const button = (name, show) => {
      const made = element("button", {type: "button", "aria-pressed": String(name === "picture")}, name);
      made.addEventListener("click", () => {
        for (const one of $("layers").children) one.setAttribute("aria-pressed", String(one === made));
        $("stage").replaceChildren(show());
      });
      return made;
    };
    const layer = (name) => element("span", {class: "frame"}, element("img", {src: `layer/${name}/${item.position}`, alt: name}));
    $("layers").replaceChildren(button("picture", () => large(item)), ...views.map((name) => button(name, () => layer(name))));
  }
  function facts(item) {
    const rows = [["Key", item.key], ["Tar", item.tar], ["Source", item.source], ...item.facts];
    rows.push(["Picture", `${item.width} × ${item.height} px`]);
    if (item.camera) rows.push(["Focal length", `${number(item.camera[1])} px`]);
    item.people.forEach((one, place) => {
      rows.push([item.people.length > 1 ? `Person ${place + 1}` : "Person", `${readable(one.family)}, ${readable(one.action)}`]);
      rows.push(["", one.valid.length ? `labels: ${one.valid.join(", ")}` : "no label may be trusted"]);
      for (const [name, value] of Object.entries(one.scores)) rows.push(["", `${readable(name)} ${number(value)}`]);
    });
    for (const [name, value] of Object.entries(item.scores)) rows.push([readable(name), number(value)]);
    if (item.problem) rows.push(["Problem", item.problem]);
    return rows.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", {}, isolated(name)), element("dd", {}, isolated(value))]);
  }
  function showDialogMark(item) {
    $("mark").setAttribute("aria-pressed", String(Boolean(item.bad)));
    $("mark").textContent = item.bad ? "Marked as bad" : "Mark as bad";
  }
  async function step(by) {
    const place = current + by;
    if (place >= 0 && place < items.length) return enlarge(place);
    const where = start + (by > 0 ? PAGE : -PAGE);
    if (where < 0 || where >= found) return;
    await turnTo(where);
    enlarge(by > 0 ? 0 : items.length - 1);
  }

  // Buttons and keys.
  function setMode(wanted) {
    mode = wanted;
    document.body.dataset.mode = mode;
    $("show-samples").setAttribute("aria-pressed", String(mode === "samples"));
    $("show-rejected").setAttribute("aria-pressed", String(mode === "rejected"));
    settle((async () => {
      if (mode === "rejected") {
        const {reasons} = await (await ask("api/reasons")).json();
        fill($("reason"), reasons.map(([stage, reason, pictures, all]) => [JSON.stringify([stage, reason]), `${stage}: ${reason} (${pictures} of ${all})`]));
      }
      await turnTo(0);
    })());
  }
  function setOverlay(wanted) {
    overlay = wanted;
    for (const one of document.querySelectorAll("[data-overlay]")) one.setAttribute("aria-pressed", String(one.dataset.overlay === overlay));
    if (mode === "samples") $("cards").replaceChildren(...items.map(card));
    if (document.querySelector("dialog").open) $("stage").replaceChildren(large(items[current]));
  }
  for (const one of document.querySelectorAll("[data-overlay]")) one.addEventListener("click", () => setOverlay(one.dataset.overlay));
  $("show-samples").addEventListener("click", () => setMode("samples"));
  $("show-rejected").addEventListener("click", () => setMode("rejected"));
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("change", () => { $("range").hidden = !$("score").value; settle(turnTo(0)); });
  const pageOf = () => PAGE * (Math.max(1, Math.floor(Number($("page").value)) || 1) - 1);
  $("page").addEventListener("change", () => settle(turnTo(pageOf())));
  $("first").addEventListener("click", () => settle(turnTo(0)));
  $("before").addEventListener("click", () => settle(turnTo(start - PAGE)));
  $("after").addEventListener("click", () => settle(turnTo(start + PAGE)));
  $("last").addEventListener("click", () => settle(turnTo(PAGE * Math.floor((found - 1) / PAGE))));
  $("previous").addEventListener("click", () => settle(step(-1)));
  $("next").addEventListener("click", () => settle(step(1)));
  $("close").addEventListener("click", () => document.querySelector("dialog").close());
  $("mark").addEventListener("click", () => settle(setMark(items[current], !items[current].bad)));
  document.addEventListener("keydown", (event) => {
    const isOpen = document.querySelector("dialog").open;
    if (event.target.closest("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") settle(isOpen ? step(1) : turnTo(start + PAGE < found ? start + PAGE : start));
    if (event.key === "ArrowLeft") settle(isOpen ? step(-1) : turnTo(start - PAGE));
    if (event.key === "b" && isOpen) settle(setMark(items[current], !items[current].bad));
    if (event.key === "o" && mode === "samples") setOverlay({none: "joints", joints: "mesh", mesh: "none"}[overlay]);
  });

  settle((async () => {
    document.body.dataset.mode = mode;
    const path = pathTo(0);
    coming = {path, page: pageAt(path)};
    coming.page.catch(() => {});  // turnTo complains
    await refreshState();
    await turnTo(0);
    document.documentElement.dataset.ready = "yes";
  })());
})();
