"use strict";
// Narrows the tables of the index. Without it the whole list is there as plain links.
(function () {
  var main = document.getElementById("main");
  var all = function (selector) { return Array.prototype.slice.call(main.querySelectorAll(selector)); };
  var rows = all("tbody tr[data-words]");
  if (rows.length === 0) { return; }
  var column = function (row, index) { return row.children[index].textContent; };
  var server = function (row) { return row.closest("section").querySelector("h2").textContent; };
  // What a row is found by: a list, for of signals it may have many.
  var filters = { category: function (row) { return [column(row, 1)]; }, risk: function (row) { return [column(row, 2)]; }, server: function (row) { return [server(row)]; },
                  signal: function (row) { return row.dataset.signals.split(" ").filter(Boolean); }, state: function (row) { return row.dataset.state ? [row.dataset.state] : []; },
                  confidence: function (row) { return [column(row, 3).split(",")[0]]; } };
  // The sentences of the signals are found like the words of the tools.
  var means = {};
  all("#signals ~ * tbody tr").forEach(function (row) { means[column(row, 0).replace(/ /g, "_")] = column(row, 1); });
  var texts = new Map();
  rows.forEach(function (row) {
    var said = filters.signal(row).map(function (signal) { return means[signal] || ""; });
    texts.set(row, [row.textContent, row.dataset.words].concat(said).join("\n").toLowerCase());
  });
  var form = document.createElement("form");
  form.className = "find";
  form.setAttribute("role", "search");
  var labelled = function (name, field) {
    var label = document.createElement("label");
    label.textContent = name;
    field.name = name;
    label.appendChild(field);
    form.appendChild(label);
    return field;
  };
  var words = labelled("search", document.createElement("input"));
  words.type = "search";
  var selects = [];
  Object.keys(filters).forEach(function (name) {
    var counts = {};
    rows.forEach(function (row) { filters[name](row).forEach(function (value) { counts[value] = (counts[value] || 0) + 1; }); });
    var values = Object.keys(counts).sort();
    if (values.length === 0) { return; }
    var select = labelled(name, document.createElement("select"));
    [""].concat(values).forEach(function (value) {
      var option = document.createElement("option");
      option.value = value;
      option.textContent = value === "" ? "all" : value.replace(/_/g, " ") + " (" + counts[value] + ")";
      select.appendChild(option);
    });
    selects.push(select);
  });
  var said = document.createElement("p");
  said.setAttribute("role", "status");
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  main.insertBefore(said, main.querySelector("section"));
  main.insertBefore(form, said);

  // Whether `wanted` stands in `text`, with one letter too many at most.
  var fits = function (text, wanted) {
    if (text.indexOf(wanted) >= 0) { return true; }
    if (wanted.length < 4) { return false; }
    for (var i = 0; i < wanted.length; i += 1) {
      if (text.indexOf(wanted.slice(0, i) + wanted.slice(i + 1)) >= 0) { return true; }
    }
    return false;
  };
  var narrow = function () {
    var wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    rows.forEach(function (row) {
      var fit = selects.every(function (select) { return select.value === "" || filters[select.name](row).indexOf(select.value) >= 0; });
      row.hidden = !(fit && wanted.every(function (word) { return fits(texts.get(row), word); }));
      if (!row.hidden) { shown += 1; }
    });
    all("section").forEach(function (section) { if (section.querySelector("tr[data-words]")) { section.hidden = !section.querySelector("tr[data-words]:not([hidden])"); } });
    var active = selects.filter(function (select) { return select.value !== ""; }).map(function (select) { return select.name; });
    if (words.value !== "") { active.push("search"); }
    said.textContent = shown > 0 ? shown + (shown === 1 ? " tool" : " tools") : "No tool fits. Drop a filter: " + active.join(", ") + ".";
    var query = new URLSearchParams();
    selects.concat([words]).forEach(function (field) { if (field.value !== "") { query.set(field.name, field.value); } });
    try { history.replaceState(null, "", query.toString() === "" ? location.pathname : "?" + query.toString()); } catch (refused) { said.title = ""; }
  };
  var given = new URLSearchParams(location.search);
  selects.concat([words]).forEach(function (field) { if (given.has(field.name)) { field.value = given.get(field.name); } });
  form.addEventListener("input", narrow);
  narrow();
}());
