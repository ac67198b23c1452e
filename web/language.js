// The pack's texts are in the language that is set in ComfyUI.

import { app } from "../../scripts/app.js";
import { speak } from "./words.js";

speak(() => app.extensionManager?.setting?.get("Comfy.Locale"));
