// After a training the new file is in the lists at once (nodes/page.py).

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

app.registerExtension({
  name: "AnimateDiffKit.Files",
  setup() {
    api.addEventListener("animatediff_kit.files", () => app.refreshComboInNodes());
  },
});
