"use strict";
// Narrows the tables of the index. Without it the whole list is there as plain links.
(function () {
  var main = document.getElementById("main");
  var rows = Array.prototype.slice.call(main.querySelectorAll("tbody tr"));
  if (rows.length === 0) { return; }
  var column = function (row, index) { return row.children[index].textContent; };
  var server = function (row) { return row.closest("section").querySelector("h2").textContent; };
  var filters = { category: function (row) { return column(row, 1); }, risk: function (row) { return column(row, 2); }, server: server,
                  confidence: function (row) { return column(row, 3).split(",")[0]; } };
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
  var selects = Object.keys(filters).map(function (name) {
    var select = labelled(name, document.createElement("select"));
    var counts = {};
    rows.forEach(function (row) { var value = filters[name](row); counts[value] = (counts[value] || 0) + 1; });
    [""].concat(Object.keys(counts).sort()).forEach(function (value) {
      var option = document.createElement("option");
      option.value = value;
      option.textContent = value === "" ? "all" : value + " (" + counts[value] + ")";
      select.appendChild(option);
    });
    return select;
  });
  var said = document.createElement("p");
  said.setAttribute("role", "status");
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  main.insertBefore(said, main.querySelector("section"));
  main.insertBefore(form, said);

  // Whether the letters of `wanted` stand in `text` in their order, so that a letter too few finds all the same.
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
      var text = row.textContent.toLowerCase();
      var all = selects.every(function (select) { return select.value === "" || filters[select.name](row) === select.value; });
      row.hidden = !(all && wanted.every(function (word) { return fits(text, word); }));
      if (!row.hidden) { shown += 1; }
    });
    Array.prototype.forEach.call(main.querySelectorAll("section"), function (section) { section.hidden = !section.querySelector("tbody tr:not([hidden])"); });
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
