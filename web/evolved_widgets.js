// Old workflows of AnimateDiff-Evolved in the page: each saved value goes to the widget that it was
// saved for. Only for the old ids that this pack registers itself.

import { app } from "../../scripts/app.js";
import { corrected } from "./evolved_values.js";

const OURS = "AnimateDiff Kit/AnimateDiff-Evolved";

app.registerExtension({
  name: "AnimateDiffKit.EvolvedWidgets",
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.category !== OURS) return;
    const configure = nodeType.prototype.configure;
    nodeType.prototype.configure = function (info, ...more) {
      const names = (this.widgets ?? []).map((widget) => widget.name);
      const values = corrected(nodeData.name, info.widgets_values, names);
      return configure.call(this, { ...info, widgets_values: values }, ...more);
    };
  },
});
