package org.crosswind.app.model

import java.io.ByteArrayInputStream
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.ZipInputStream

// The zip format's "end of central directory" record, and where it and the directory keep what is read here, in bytes.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.12 and 4.3.16
private const val END_SIGNATURE = 0x06054b50
private const val END_SIZE = 22
private const val DIRECTORY_OFFSET = 16
private const val ENTRY_OFFSET = 42

/**
 * The JSON of the model card inside a .tflite, which is the one entry of a zip appended to it.
 *
 * Throws [CorruptModel] if there is none.
 */
fun cardInside(model: ByteBuffer): String {
    val file = model.duplicate().order(ByteOrder.LITTLE_ENDIAN)
    val end = file.limit() - END_SIZE
    if (end < 0 || file.getInt(end) != END_SIGNATURE) {
        throw CorruptModel("model.tflite has no model card inside; expected a published file. Install it again.")
    }
    return try {
        file.position(file.getInt(file.getInt(end + DIRECTORY_OFFSET) + ENTRY_OFFSET))
        val entry = ByteArray(file.remaining()).also(file::get)
        ZipInputStream(ByteArrayInputStream(entry)).use { zip ->
            checkNotNull(zip.nextEntry) { "there is no entry" }
            zip.readBytes().toString(Charsets.UTF_8)
        }
    } catch (error: RuntimeException) { // an offset that points outside the file
        throw CorruptModel("model.tflite has a damaged model card inside: $error. Install it again.", error)
    } catch (error: IOException) {
        throw CorruptModel("model.tflite has a damaged model card inside: $error. Install it again.", error)
    }
}
