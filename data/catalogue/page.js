"use strict";
// What a page can do more where scripts run: rows of a table in another order, and texts to copy. Without it nothing is missing.
(function () {
  var all = function (selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); };
  var risks = ["Low", "Medium", "High", "Critical"];
  // What cells are ordered by: a risk by how bad it is, `confident, 0.93` by its number, all else as text.
  var keys = function (texts) {
    if (texts.every(function (text) { return risks.indexOf(text) >= 0; })) { return texts.map(function (text) { return risks.indexOf(text); }); }
    if (texts.every(function (text) { return /, [01]\.\d\d$/.test(text); })) { return texts.map(function (text) { return Number(text.slice(-4)); }); }
    return texts;
  };
  var compare = function (a, b) { return typeof a === "number" ? a - b : a.localeCompare(b, "en"); };

  all("table.sortable").forEach(function (table) {
    var body = table.tBodies[0];
    var heads = all("thead th", table);
    heads.forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () {
        var rows = Array.prototype.slice.call(body.rows);
        var of = keys(rows.map(function (row) { return row.cells[column].textContent; }));
        // Numbers begin with the most, which is what they are looked at for; texts with A.
        var before = head.getAttribute("aria-sort");
        var down = before === null ? typeof of[0] === "number" : before === "ascending";
        var order = rows.map(function (row, at) { return { row: row, key: of[at], at: at }; });
        order.sort(function (a, b) { return (down ? compare(b.key, a.key) : compare(a.key, b.key)) || a.at - b.at; });
        order.forEach(function (each) { body.appendChild(each.row); });
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
      });
    });
  });

  // A page that is not from a trusted place has no clipboard of its own; what is marked can be copied there all the same.
  var mark = function (text) {
    var range = document.createRange();
    range.selectNodeContents(text);
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    try { return document.execCommand("copy"); } catch (refused) { return false; }
  };
  all("pre").forEach(function (text) {
    var line = document.createElement("p");
    line.className = "copy";
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    var said = document.createElement("span");
    said.setAttribute("role", "status");
    line.appendChild(said);
    line.appendChild(button);
    text.parentNode.insertBefore(line, text);
    button.addEventListener("click", function () {
      var tell = function (done) { said.textContent = done ? "copied" : "marked: copy it with the keys you are used to"; };
      said.textContent = "";
      if (!navigator.clipboard) { tell(mark(text)); return; }
      navigator.clipboard.writeText(text.textContent).then(function () { tell(true); }, function () { tell(mark(text)); });
    });
  });
}());
