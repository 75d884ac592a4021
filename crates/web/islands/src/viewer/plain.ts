// Where the browser has no WebGL the library draws with the processor, and then loads images by itself, past our supply: here that way
// is led through it, so that previews stand in on such a machine too.
import * as core from '@cornerstonejs/core';
import type { Listener } from './supply.ts';

/** What of the library's own picture is used. */
interface Drawn {
  id: string;
  renderingEngineId: string;
  element: HTMLDivElement;
  useCPURendering: boolean;
  currentImageIdIndex: number;
  viewportStatus: string;
  errorCallback(imageId: string, permanent: boolean, error: unknown): void;
  render(): void;
  _loadAndDisplayImageCPU(imageId: string, index: number): Promise<string>;
  _setCSImage(image: core.Types.IImage): void;
  _updateToDisplayImageCPU(image: core.Types.IImage): void;
}

/** Leads the images of a picture that the processor draws through `load`. */
export function supplied(picture: unknown, load: (imageIds: string[], listener: Listener) => Promise<unknown>): void {
  const view = picture as Drawn;
  if (!view.useCPURendering) return;
  const own = view._loadAndDisplayImageCPU.bind(view);
  view._loadAndDisplayImageCPU = async (imageId, index) => {
    const current = () => view.currentImageIdIndex === index;
    await load([imageId], {
      picture,
      successCallback: (_, image) => {
        if (!current()) return undefined;
        // A whole image is in the library's hands already, which shows it as it always does.
        if (core.cache.isLoaded(imageId)) return own(imageId, index);
        view._setCSImage(image);
        view.viewportStatus = core.Enums.ViewportStatus.PRE_RENDER;
        core.triggerEvent(view.element, core.Enums.Events.STACK_NEW_IMAGE, { image, imageId, imageIdIndex: index, viewportId: view.id, renderingEngineId: view.renderingEngineId });
        view._updateToDisplayImageCPU(image);
        view.render();
        return undefined;
      },
      errorCallback: (id, permanent, error) => { if (current()) view.errorCallback(id, permanent, error); },
    });
    return imageId;
  };
}
