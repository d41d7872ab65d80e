package org.crosswind.app

import android.app.Application
import java.io.FileInputStream
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import org.crosswind.app.model.CorruptModel
import org.crosswind.app.model.Predictor

/** The process: owns the one predictor, which lives as long as it does. */
class CrosswindApp : Application() {
    /**
     * The installed model, loaded when first asked for, or why there is none.
     *
     * The file has some hundred KB and an answer takes under a millisecond, so both run on the main thread.
     */
    val predictor: Result<Predictor> by lazy {
        try {
            Result.success(Predictor.open(map(MODEL), assets.open(MANIFEST).use { it.readBytes().toString(Charsets.UTF_8) }))
        } catch (error: IOException) { // not installed
            Result.failure(error)
        } catch (error: CorruptModel) {
            Result.failure(error)
        } catch (error: LinkageError) { // no native library for this processor
            Result.failure(error)
        }
    }

    /** An asset, mapped into memory: it is stored uncompressed. */
    private fun map(asset: String): ByteBuffer = assets.openFd(asset).use { file ->
        FileInputStream(file.fileDescriptor).channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
    }

    private companion object {
        const val MODEL = "model.tflite"
        const val MANIFEST = "manifest.json"
    }
}
